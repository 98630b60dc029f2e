// Switching between two versions: points glide from their old to their new position, and the largest moves are listed.
import { ask, line } from "./ask.js";
import { placesOf } from "./data.js";

const LASTS = 900;  // milliseconds

export class Moves {
  // show(version): puts that version's points on the stage; shown(): the version on it.
  constructor(stage, map, { show, shown, look, aim }) {
    this.element = map.querySelector("#map-flip");
    if (!this.element) { return; }
    Object.assign(this, { stage, show, shown, look, aim });
    this.other = this.element.querySelector("select");
    this.words = map.querySelector("[data-shown]");
    this.median = map.querySelector("[data-median]");
    this.list = map.querySelector("[data-moved]");
    this.home = Number(map.dataset.version);
    this.arrows = [];
    this.element.querySelector("[data-flip]").addEventListener("click", () => this.flip());
    this.other.addEventListener("change", () => this.compare());
    stage.layers.push((context) => this.draw(context));
  }

  async flip() {
    const to = this.shown() === this.home ? Number(this.other.value) : this.home;
    if (!this.moved) { await this.compare(); }
    await this.show(to);
    this.words.textContent = this.words.dataset.words.replace("{}", to);
  }

  async compare() {
    const [from, to] = [Number(this.other.value), this.home].sort((one, other) => one - other);
    let found = null;
    try {
      found = await ask(this.element.dataset.url, { from, to });
    } catch (error) {
      this.words.textContent = error.message;
    }
    this.moved = found;
    if (!found) { return; }
    this.arrows = found.moved;
    const share = (part) => part.toLocaleString(document.documentElement.lang, { style: "percent", maximumFractionDigits: 1 });
    this.median.textContent = this.median.dataset.words.replace("{}", share(found.median || 0));
    this.median.hidden = found.median === null;
    this.list.replaceChildren(...found.moved.slice(0, 20).map((each) => this.item(each, share(each.distance))));
    this.stage.request();
  }

  item(each, distance) {
    const item = line(each.name, each.title, distance);
    const point = () => {
      this.over = each;
      const [place] = placesOf(this.stage.points, [each.id]);
      this.aim.point(place ?? -1, "list");
    };
    item.firstChild.addEventListener("pointerenter", point);
    item.firstChild.addEventListener("focus", point);
    item.addEventListener("pointerleave", () => { this.over = null; this.stage.request(); });
    item.firstChild.addEventListener("click", () => this.look([each.from, each.to]));
    return item;
  }

  draw(context) {
    const { stage } = this;
    for (const each of this.arrows) {
      const mine = each === this.over;
      const [fromX, fromY] = stage.view.toScreen(...each.from);
      const [toX, toY] = stage.view.toScreen(...each.to);
      context.beginPath();
      context.moveTo(fromX, fromY);
      context.lineTo(toX, toY);
      context.globalAlpha = mine ? 1 : 0.25;
      context.lineWidth = mine ? 2.5 : 1;
      context.strokeStyle = stage.ink.loud;
      context.stroke();
    }
    context.globalAlpha = 1;
  }
}

// Where each point of `to` was in `from`, Float32Array[2n]; a new point starts at its own position.
export function before(from, to) {
  const start = to.xy.slice();
  const places = new Map();
  for (let place = 0; place < from.count; place += 1) { places.set(from.ids[place], place); }
  for (let place = 0; place < to.count; place += 1) {
    const was = places.get(to.ids[place]);
    if (was !== undefined) { start.set(from.xy.subarray(2 * was, 2 * was + 2), 2 * place); }
  }
  return start;
}

// Resolves when the points have arrived: at once if the reader prefers reduced motion.
export function glide(stage) {
  if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) { stage.moved = 1; stage.request(); return Promise.resolve(); }
  const began = performance.now();
  return new Promise((resolve) => {
    const step = (now) => {
      const share = Math.min((now - began) / LASTS, 1);
      stage.moved = share < 0.5 ? 4 * share ** 3 : 1 - (2 - 2 * share) ** 3 / 2;
      stage.moving();
      if (share < 1) { requestAnimationFrame(step); } else { resolve(); }
    };
    requestAnimationFrame(step);
  });
}
