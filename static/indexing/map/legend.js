// The legend: which classes are shown, and their colours, which are those of its swatches.
import { rgba } from "./stage.js";

const FAINT = { none: 0.55, other: 0.7 };
const BEHIND = 0.12;

export class Legend {
  constructor(stage, map) {
    this.stage = stage;
    this.element = map.querySelector("#map-legend");
    this.over = null;  // the class that the pointer is on in the legend
    this.element.addEventListener("change", () => this.apply());
    this.element.addEventListener("click", (event) => this.click(event));
    for (const name of ["pointerover", "pointerleave", "focusin", "focusout"]) {
      this.element.addEventListener(name, (event) => {
        const line = name === "pointerover" || name === "focusin" ? event.target.closest("label") : null;
        this.emphasise(line ? Number(line.querySelector("input").value) : null);
      });
    }
  }

  get boxes() { return [...this.element.querySelectorAll("input[type=checkbox]")]; }

  get by() { return this.element.querySelector("[data-by]").dataset.by; }

  click(event) {
    const all = event.target.closest("[data-all]");
    if (!all) { return; }
    this.boxes.forEach((box) => { box.checked = all.dataset.all === "yes"; });
    this.apply();
  }

  emphasise(number) {
    if (number === this.over) { return; }
    this.over = number;
    this.apply();
  }

  apply() {
    const palette = new Uint8Array(4 * 256);
    const crowd = this.stage.points ? Math.min(Math.max(1.35 - 0.15 * Math.log10(this.stage.points.count + 1), 0.5), 0.92) : 0.9;
    for (const box of this.boxes) {
      if (!box.checked) { continue; }
      const number = Number(box.value);
      const swatch = box.parentElement.querySelector(".swatch");
      const [red, green, blue] = rgba(getComputedStyle(swatch).backgroundColor);
      const share = this.over === null || this.over === number ? FAINT[swatch.dataset.colour] || 1 : BEHIND;
      palette.set([red, green, blue, Math.max(Math.round(255 * crowd * share), 1)], 4 * number);
    }
    this.stage.setPalette(palette);
  }
}
