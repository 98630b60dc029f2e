// Gaps in the directory: searches that found nobody, as hollow marks where a matching expert would be.
import { around, written } from "./areas.js";
import { ask, line } from "./ask.js";

const LISTED = 12;
const REACH = 10;

export class Gaps {
  constructor(stage, map, look) {
    this.stage = stage;
    this.look = look;
    this.box = map.querySelector("#map-gaps");
    this.list = map.querySelector("#map-gap-list");
    this.none = map.querySelector("#map-gap-none");
    this.words = this.none.textContent;
    this.gaps = [];
    this.over = null;
    this.box.addEventListener("change", () => this.load(this.version));
    stage.layers.push((context) => this.draw(context));
  }

  async load(version) {
    this.version = version;
    this.gaps = [];
    this.over = null;
    this.none.textContent = this.words;
    if (this.box.checked) {
      try {
        const found = await ask(this.box.dataset.url, { version });
        this.gaps = found && this.box.checked ? found.gaps : [];
      } catch (error) {
        this.none.textContent = error.message;  // for instance, the model is missing
      }
    }
    this.list.replaceChildren(...this.gaps.slice(0, LISTED).map((gap) => this.item(gap)));
    this.list.hidden = !this.gaps.length;
    this.none.hidden = !this.box.checked || this.gaps.length > 0;
    this.stage.request();
  }

  item(gap) {
    const item = line(gap.query, "", `${gap.count}×`);
    const point = (which) => { this.over = which; this.stage.request(); };
    item.firstChild.addEventListener("pointerenter", () => point(gap));
    item.firstChild.addEventListener("focus", () => point(gap));
    item.addEventListener("pointerleave", () => point(null));
    item.firstChild.addEventListener("blur", () => point(null));
    item.firstChild.addEventListener("click", () => this.look([[gap.x, gap.y]]));
    return item;
  }

  // Under the pointer, in pixels.
  at(x, y) {
    const near = this.gaps.find((gap) => {
      const [gx, gy] = this.stage.view.toScreen(gap.x, gap.y);
      return Math.hypot(gx - x, gy - y) < REACH;
    });
    if (near !== this.over) { this.over = near || null; this.stage.request(); }
  }

  draw(context) {
    const { stage } = this;
    if (!this.gaps.length || stage.moved < 1) { return; }
    for (const gap of this.gaps) {
      const [x, y] = stage.view.toScreen(gap.x, gap.y);
      const size = Math.min(5 + 2 * Math.sqrt(gap.count), 16);
      for (const [width, colour] of [[4.5, stage.ink.paper], [2, stage.ink.loud]]) {
        context.beginPath();
        context.arc(x, y, size, 0, 2 * Math.PI);
        context.lineWidth = width;
        context.strokeStyle = colour;
        context.setLineDash(width === 2 ? [4, 3] : []);
        context.stroke();
      }
    }
    context.setLineDash([]);
    if (!this.over) { return; }
    context.font = `600 13px ${stage.ink.font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    const [x, y] = stage.view.toScreen(this.over.x, this.over.y);
    const text = `“${this.over.query}” · ${this.over.count}×`;
    stage.taken.push(around(context, text, x, y - 24, 13));
    written(context, stage.ink, text, x, y - 24);
  }
}
