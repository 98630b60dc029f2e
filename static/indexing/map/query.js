// A query placed among its neighbours, with the experts it finds highlighted.
import { around, written } from "./areas.js";
import { ask, line } from "./ask.js";
import { placesOf } from "./data.js";

const LISTED = 10;

export class Query {
  // marks: which points are highlighted; look(points): moves the view there; aim: shows the name of a point.
  constructor(stage, map, { marks, look, aim }) {
    Object.assign(this, { stage, marks, look, aim });
    this.form = map.querySelector("#map-query");
    this.input = this.form.querySelector("[name=q]");
    this.list = map.querySelector("[data-hits]");
    this.problem = map.querySelector("[data-problem]");
    this.failed = map.querySelector("#map-failed-words").content.textContent;
    this.found = null;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.place(true);
    });
    this.input.addEventListener("search", () => { if (!this.input.value) { this.clear(); } });
    this.input.addEventListener("input", () => { if (!this.input.value) { this.clear(); } });
    stage.layers.push((context) => this.draw(context));
  }

  clear() {
    this.request?.abort();
    this.found = null;
    this.list.replaceChildren();
    this.problem.hidden = true;
    this.marks.set("hits", []);
  }

  async place(andLook) {
    this.request?.abort();
    const request = this.request = new AbortController();
    const q = this.input.value;
    this.problem.hidden = true;
    try {
      const found = await ask(this.form.dataset.url, { q, version: this.form.elements.version.value }, request.signal);
      if (request.signal.aborted || !found) { return; }
      this.show({ ...found, q });
      if (andLook) { this.look([[found.x, found.y], ...this.points().slice(0, LISTED)]); }
    } catch (error) {
      if (request.signal.aborted) { return; }
      this.clear();
      this.problem.textContent = error.message || this.failed;
      this.problem.hidden = false;
    }
  }

  // In another version the same query has another place and finds other experts.
  load() { return this.found ? this.place(false) : null; }

  points() { return this.places.map((place) => [this.stage.points.xy[2 * place], this.stage.points.xy[2 * place + 1]]); }

  show(found) {
    this.found = found;
    this.places = placesOf(this.stage.points, found.hits.map((hit) => hit.id));
    this.marks.set("hits", this.places);
    const items = found.hits.slice(0, LISTED).map((hit) => {
      const item = line(hit.name, hit.title, String(hit.rank));
      const [place] = placesOf(this.stage.points, [hit.id]);
      const button = item.firstChild;
      button.addEventListener("pointerenter", () => this.aim.point(place ?? -1, "list"));
      button.addEventListener("focus", () => this.aim.point(place ?? -1, "list"));
      button.addEventListener("click", () => { this.aim.point(place ?? -1, "list"); this.aim.open({}); });
      return item;
    });
    const list = document.createElement("ol");
    list.className = "map-list map-hits";
    list.append(...items);
    this.list.replaceChildren(list);
  }

  draw(context) {
    if (!this.found || this.stage.moved < 1) { return; }
    const { stage } = this;
    const [x, y] = stage.view.toScreen(this.found.x, this.found.y);
    const size = 9;
    context.beginPath();
    context.moveTo(x, y - size);
    context.lineTo(x + size, y);
    context.lineTo(x, y + size);
    context.lineTo(x - size, y);
    context.closePath();
    context.fillStyle = stage.ink.loud;
    context.strokeStyle = stage.ink.paper;
    context.lineWidth = 3;
    context.stroke();
    context.fill();
    context.font = `600 13px ${stage.ink.font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    const whole = this.found.q.trim();
    const text = whole.length > 40 ? `${whole.slice(0, 39)}…` : whole;
    stage.taken.push(around(context, text, x, y - size - 12, 13), [x - size, y - size, x + size, y + size]);
    written(context, stage.ink, text, x, y - size - 12);
  }
}
