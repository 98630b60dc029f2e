// The point under the pointer, or nearest to the centre when keys move the map: its ring and its name.
import { People } from "./people.js";

const REACH = { mouse: 12, pen: 14, touch: 26, key: 90 };  // pixels
const PAUSE = 70;  // milliseconds on a point until its name is requested
const AROUND = 24;

export class Aim {
  constructor(stage, map) {
    this.stage = stage;
    this.people = new People(map.dataset.people);
    this.tip = map.querySelector("#map-tip");
    this.said = map.querySelector("#map-said");
    this.place = -1;
    this.how = "mouse";
    stage.layers.push((context) => this.ring(context));
  }

  at(x, y, how) {
    const { stage } = this;
    if (!stage.picking) { return; }
    this.how = how;
    const reach = REACH[how] / stage.view.scale;
    this.point(stage.picking.nearest(...stage.view.toMap(x, y), reach, stage.isShown));
  }

  point(place, how = this.how) {
    if (place === this.place) { this.put(); return; }
    this.how = how;
    this.place = place;
    this.tip.hidden = true;
    this.stage.element.classList.toggle("has-aim", place >= 0);
    clearTimeout(this.timer);
    this.stage.request();
    if (place < 0) { return; }
    if (this.person === undefined) { this.timer = setTimeout(() => this.learn(place), PAUSE); } else { this.show(); }
  }

  leave() { this.point(-1); }

  get person() { return this.place < 0 ? undefined : this.people.get(this.stage.points.ids[this.place]); }

  async learn(place) {
    const { stage } = this;
    const { xy, ids } = stage.points;
    const reach = 60 / stage.view.scale;
    const around = stage.picking.near(xy[2 * place], xy[2 * place + 1], reach, AROUND, stage.isShown);
    await this.people.learn([place, ...around].map((each) => ids[each]));
    if (place === this.place) { this.show(); }
  }

  show() {
    const person = this.person;
    if (!person) { return; }
    const [name, title, more] = this.tip.querySelectorAll("[data-part]");
    name.textContent = person.name;
    title.textContent = [person.title, person.company].filter(Boolean).join(" · ");
    more.textContent = person.category;
    this.tip.querySelector("a").hidden = this.how !== "touch";
    this.tip.querySelector("a").href = person.url;
    this.tip.hidden = false;
    this.put();
    if (this.how === "key") { this.said.textContent = [person.name, title.textContent].filter(Boolean).join(", "); }
  }

  // Next to the point, on the side that has room.
  put() {
    if (this.tip.hidden || this.place < 0) { return; }
    const { stage, tip } = this;
    const [x, y] = stage.screenOf(this.place);
    const { offsetWidth: width, offsetHeight: height } = tip;
    const away = stage.radius + 12;
    const left = x + away + width < stage.view.width ? x + away : Math.max(x - away - width, 4);
    const top = Math.min(Math.max(y - height / 2, 4), stage.view.height - height - 4);
    tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  ring(context) {
    if (this.place < 0) { return; }
    const { stage } = this;
    const [x, y] = stage.screenOf(this.place);
    context.beginPath();
    context.arc(x, y, stage.radius + 1, 0, 2 * Math.PI);
    context.fillStyle = stage.colourOf(this.place);
    context.fill();
    for (const [width, colour] of [[5, stage.ink.paper], [2.5, stage.ink.loud]]) {
      context.beginPath();
      context.arc(x, y, stage.radius + 4, 0, 2 * Math.PI);
      context.lineWidth = width;
      context.strokeStyle = colour;
      context.stroke();
    }
    this.put();
  }

  async open(event) {
    const place = this.place;
    if (place < 0) { return; }
    if (this.person === undefined) { await this.learn(place); }
    const person = this.people.get(this.stage.points.ids[place]);
    if (!person) { return; }
    if (event.ctrlKey || event.metaKey) { window.open(person.url, "_blank", "noopener"); } else { location.assign(person.url); }
  }
}
