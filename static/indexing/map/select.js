// Selecting experts on the map: with a box, a lasso or the space bar, and the list of those selected.
const MOST = 10_000;  // ids that are sent; the server tags no more at once

export class Selection {
  constructor(stage, map, marks) {
    this.stage = stage;
    this.marks = marks;
    this.ids = new Set();
    this.path = [];
    this.form = map.querySelector("#map-selection");
    this.panel = map.querySelector("#map-selected");
    this.panel.addEventListener("click", (event) => { if (event.target.closest("[data-clear]")) { this.clear(); } });
    stage.layers.push((context) => this.draw(context));
  }

  // path [[x, y], ...] in pixels; once `done`, those within it are selected, in addition to the earlier ones if `adding`.
  outline(path, done, adding) {
    this.path = done ? [] : path;
    this.stage.request();
    if (!done || path.length < 3) { return; }
    const { stage } = this;
    const places = stage.picking.within(path.map(([x, y]) => stage.view.toMap(x, y)), stage.isShown);
    const ids = places.map((place) => stage.points.ids[place]);
    this.set(adding ? [...this.ids, ...ids] : ids);
  }

  toggle(place) {
    if (place < 0) { return; }
    const id = this.stage.points.ids[place];
    const ids = new Set(this.ids);
    if (!ids.delete(id)) { ids.add(id); }
    this.set(ids);
  }

  clear() { this.set([]); }

  set(ids) {
    this.ids = new Set(ids);
    this.mark();
    this.panel.hidden = !this.ids.size;
    if (!this.ids.size) { return; }
    this.form.elements.ids.value = [...this.ids].slice(0, MOST).join(",");
    this.form.elements.total.value = this.ids.size;
    this.form.requestSubmit();
  }

  mark() {
    const places = [];
    const { ids } = this.stage.points;
    for (let place = 0; this.ids.size && place < ids.length; place += 1) {
      if (this.ids.has(ids[place])) { places.push(place); }
    }
    this.marks.set("selected", places);
  }

  draw(context) {
    if (this.path.length < 2) { return; }
    context.beginPath();
    this.path.forEach(([x, y], at) => { if (at) { context.lineTo(x, y); } else { context.moveTo(x, y); } });
    context.closePath();
    context.fillStyle = this.stage.ink.link;
    context.globalAlpha = 0.12;
    context.fill();
    context.globalAlpha = 1;
    context.strokeStyle = this.stage.ink.link;
    context.lineWidth = 1.5;
    context.setLineDash([6, 4]);
    context.stroke();
    context.setLineDash([]);
  }
}
