// The names of areas, the most important first, as many as fit next to each other at this zoom.
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
    context.textAlign = "center";
    context.textBaseline = "middle";
    this.areas.forEach((area, rank) => {
      const size = rank < LARGE ? 13.5 : 12;
      context.font = `600 ${size}px ${stage.ink.font}`;
      const [x, y] = stage.view.toScreen(area.x, area.y);
      const box = around(context, area.name, x, y, size);
      if (box[0] < 0 || box[1] < 0 || box[2] > stage.view.width || box[3] > stage.view.height) { return; }
      if (stage.taken.some((other) => overlap(box, other))) { return; }
      stage.taken.push(box);
      written(context, stage.ink, area.name, x, y, stage.marked ? stage.ink.quiet : stage.ink.loud);
    });
  }
}

const overlap = (one, other) => one[0] < other[2] && one[2] > other[0] && one[1] < other[3] && one[3] > other[1];

// The box that a text takes around (x, y), in the font of the context.
export function around(context, text, x, y, size) {
  const half = context.measureText(text).width / 2 + 5;
  return [x - half, y - size * 0.8, x + half, y + size * 0.8];
}

// Text with an outline, legible on any background.
export function written(context, ink, text, x, y, colour = ink.loud) {
  context.globalAlpha = 0.85;
  context.lineJoin = "round";
  context.strokeStyle = ink.paper;
  context.lineWidth = 4;
  context.strokeText(text, x, y);
  context.globalAlpha = 1;
  context.fillStyle = colour;
  context.fillText(text, x, y);
}
