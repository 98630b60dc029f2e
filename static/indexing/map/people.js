// Names and titles of points, requested a few at a time: for the point under the pointer and those around it.
const AROUND = 40;
const KEPT = 5_000;

export class People {
  constructor(url) {
    this.url = url;
    this.known = new Map();  // id -> person, or null for a deleted one
    this.asking = new Set();
  }

  get(id) { return this.known.get(id); }

  // Requests those of `ids` that are not known, the first ones first; resolves when they are known.
  async learn(ids) {
    const wanted = ids.filter((id) => !this.known.has(id) && !this.asking.has(id)).slice(0, AROUND);
    if (!wanted.length) { return; }
    wanted.forEach((id) => this.asking.add(id));
    try {
      const answer = await fetch(`${this.url}?ids=${wanted.join(",")}`);
      if (!answer.ok) { return; }
      if (this.known.size > KEPT) { this.known.clear(); }
      for (const id of wanted) { this.known.set(id, null); }
      for (const person of (await answer.json()).people) { this.known.set(person.id, person); }
    } catch {
      // the server cannot be reached: the point stays without a name, and is requested again
    } finally {
      wanted.forEach((id) => this.asking.delete(id));
    }
  }
}
