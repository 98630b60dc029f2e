// The names of areas, the most important ones first, as many as fit beside each other at the present zoom.
import { ask } from "./ask.js";

const LARGE = 8;  // of the names stand out

export class Areas {
  constructor(stage, map) {
    this.stage = stage;
    this.box = map.querySelector("#map-areas");
    this.areas = [];
    this.box.addEventListener("change", () => stage.request());
    stage.layers.push((context) => this.draw(context));
  }

  async load(version) {
    this.areas = [];
    const found = await ask(this.box.dataset.url, { version });
    this.areas = found ? found.areas : [];
    this.stage.request();
  }

  draw(context) {
    const { stage } = this;
    if (!this.box.checked || stage.moved < 1) { return; }
    const { width, height } = stage.view;
    const taken = [[width - 52, height - 120, width, height]];  // the buttons in the corner
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    this.areas.forEach((area, rank) => {
      const size = rank < LARGE ? 13.5 : 12;
      context.font = `600 ${size}px ${stage.ink.font}`;
      const [x, y] = stage.view.toScreen(area.x, area.y);
      const half = context.measureText(area.name).width / 2 + 5;
      const box = [x - half, y - size * 0.8, x + half, y + size * 0.8];
      if (box[0] < 0 || box[1] < 0 || box[2] > width || box[3] > height) { return; }
      if (taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])) { return; }
      taken.push(box);
      written(context, stage.ink, area.name, x, y);
    });
    this.shown = taken.length - 1;
  }
}

// Legible on whatever lies under it.
export function written(context, ink, text, x, y) {
  context.globalAlpha = 0.85;
  context.strokeStyle = ink.paper;
  context.lineWidth = 4;
  context.strokeText(text, x, y);
  context.globalAlpha = 1;
  context.fillStyle = ink.loud;
  context.fillText(text, x, y);
}
