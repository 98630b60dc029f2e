// Names and titles of points, asked for a few at a time: of the one aimed at and of those around it.
const AROUND = 40;
const KEPT = 5_000;

export class People {
  constructor(url) {
    this.url = url;
    this.known = new Map();  // id -> person, or null for one who is gone
    this.asking = new Set();
  }

  get(id) { return this.known.get(id); }

  // Asks for those of `ids` that are not known, the first of them for certain; resolves when they are.
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
      // the server is away: the point stays nameless, and is asked about again
    } finally {
      wanted.forEach((id) => this.asking.delete(id));
    }
  }
}
