// The canvas of the points and the one over it: what is shown where, how large, and when it is redrawn.
import { CanvasDrawing } from "./draw_canvas.js";
import { inSoftware, WebglDrawing } from "./draw_webgl.js";
import { View } from "./view.js";

const REST = 180;  // milliseconds without a movement until everything is drawn
const [SLOW, QUICK] = [40, 20];  // milliseconds a frame: then fewer points are drawn while moving, or more again
const [FEWEST, AT_FIRST] = [15_000, 150_000];
const [SMALLEST, LARGEST, LARGEST_NEAR] = [0.9, 4.4, 11];  // radius of a point in pixels

// A CSS colour, however it is written, as [red, green, blue, alpha] from 0 to 255.
const pixel = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
export function rgba(css) {
  pixel.clearRect(0, 0, 1, 1);
  pixel.fillStyle = css;
  pixel.fillRect(0, 0, 1, 1);
  return [...pixel.getImageData(0, 0, 1, 1).data];
}

export class Stage {
  // `kind`: "webgl2" or "2d" to insist on that drawing; else WebGL2 where a graphics card does it. Without one the
  // browser would compute every pixel of it, which takes eight times as long as the other drawing (100,000 points: 34
  // against 4 ms, 1,000,000: 970 against 110).
  constructor(element, kind) {
    this.element = element;
    this.over = element.querySelector(".map-over").getContext("2d");
    this.view = new View();
    this.layers = [];  // called with (context, stage) to draw over the points, in turn
    this.taken = [];  // [left, top, right, bottom] of what has been written, where later layers write nothing
    this.palette = new Uint8Array(4 * 256);
    this.moved = 1;
    this.budget = AT_FIRST;
    this.movedAt = 0;
    this.points = null;
    this.openDrawing(element.querySelector(".map-points"), kind);
    new ResizeObserver(() => this.resize()).observe(element);
  }

  openDrawing(canvas, kind) {
    const webgl = kind === "webgl2" || (kind !== "2d" && !inSoftware());
    this.drawing = (webgl && WebglDrawing.on(canvas)) || CanvasDrawing.on(canvas);
    this.element.dataset.draw = this.drawing.kind;
    // A lost context takes the buffers with it; a canvas that had one cannot have another, so a new one takes over.
    canvas.addEventListener("webglcontextlost", () => {
      const other = canvas.cloneNode();
      canvas.replaceWith(other);
      this.openDrawing(other, "2d");
      this.resize();
      this.fill();
    }, { once: true });
  }

  // `before`: where the points come from, Float32Array[2n], when they are to glide; see `moved`.
  setPoints(points, classes, before) {
    this.points = points;
    this.before = before;
    this.what = new Uint8Array(2 * points.count);
    for (let place = 0; place < points.count; place += 1) { this.what[2 * place] = classes[place]; }
    this.marked = 0;
    this.view.encompass(points.xy);
    this.fill();
    this.resize();
    this.element.dataset.points = points.count;
  }

  fill() {
    if (!this.points) { return; }
    this.drawing.setPoints(this.points.xy, this.before || this.points.xy);
    this.drawing.setWhat(this.what);
    this.drawing.setPalette(this.palette);
    this.request();
  }

  setClasses(classes) {
    for (let place = 0; place < classes.length; place += 1) { this.what[2 * place] = classes[place]; }
    this.drawing.setWhat(this.what);
    this.request();
  }

  setPalette(palette) {
    this.palette = palette;
    this.drawing.setPalette(palette);
    this.request();
  }

  // Marked points stand out and the others step back; `places` of none: nothing does.
  mark(places) {
    for (let at = 1; at < this.what.length; at += 2) { this.what[at] = 0; }
    for (const place of places) { this.what[2 * place + 1] = 1; }
    this.marked = places.length;
    this.drawing.setWhat(this.what);
    this.request();
  }

  isShown = (place) => this.palette[4 * this.what[2 * place] + 3] !== 0;

  colourOf(place) {
    const at = 4 * this.what[2 * place];
    return `rgb(${this.palette[at]} ${this.palette[at + 1]} ${this.palette[at + 2]})`;
  }

  screenOf(place) { return this.view.toScreen(this.points.xy[2 * place], this.points.xy[2 * place + 1]); }

  get radius() {
    const room = this.view.width * this.view.height / Math.max(this.points.count, 1);
    const whole = Math.min(Math.max(0.2 * Math.sqrt(room), SMALLEST), LARGEST);
    return Math.min(whole * Math.max(this.view.zoom, 0.5) ** 0.4, Math.max(LARGEST_NEAR, whole));
  }

  resize() {
    const { clientWidth, clientHeight } = this.element;
    if (!clientWidth || !clientHeight) { return; }
    this.ratio = Math.min(window.devicePixelRatio || 1, 2);
    for (const canvas of this.element.querySelectorAll("canvas")) {
      canvas.width = Math.round(clientWidth * this.ratio);
      canvas.height = Math.round(clientHeight * this.ratio);
    }
    this.view.resize(clientWidth, clientHeight);
    this.drawing.resize();
    if (this.points) { this.draw(); }
  }

  // Something moves under the hand: until it rests, only as many points are drawn as the machine keeps up with.
  moving() {
    this.movedAt = performance.now();
    this.request();
  }

  request() {
    if (this.requested || !this.points) { return; }
    this.requestedAt = performance.now();
    this.requested = requestAnimationFrame(() => this.frame());
  }

  frame() {
    this.requested = 0;
    const began = performance.now();
    const moving = began - this.movedAt < REST;
    this.draw(moving ? this.budget : Infinity);
    if (!moving) { return; }
    // The browser calls late while WebGL is still at the frame before; the 2D canvas takes its time here.
    this.adapt(Math.max(began - this.requestedAt, performance.now() - began));
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.request(), REST + 20);
  }

  adapt(milliseconds) {
    if (milliseconds > SLOW) { this.budget = Math.max(Math.min(this.budget, this.points.count) * 0.6, FEWEST); }
    if (milliseconds < QUICK && this.budget < this.points.count) { this.budget *= 1.15; }
  }

  draw(limit = Infinity) {
    const { drawing, view, over, ratio } = this;
    drawing.draw(view, {
      radius: this.radius, ratio, limit, moved: this.moved, anyMarked: this.marked > 0, dim: this.marked ? 0.28 : 1,
    });
    over.setTransform(ratio, 0, 0, ratio, 0, 0);
    over.clearRect(0, 0, view.width, view.height);
    this.taken = [[view.width - 52, view.height - 120, view.width, view.height]];  // the buttons in the corner
    for (const layer of this.layers) { layer(over, this); }
    this.element.dataset.drawn = Math.min(limit, this.points.count);
  }
}
