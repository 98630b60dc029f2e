// The view: the point of the map in the centre, and pixels per unit of the map.
const CLOSEST = 80;  // times nearer than the whole
const FARTHEST = 0.6;
const MARGIN = 0.06;

export class View {
  constructor() {
    this.width = this.height = 1;
    this.home = { x: 0, y: 0, scale: 1 };
    this.x = this.y = 0;
    this.scale = 1;
    this.bounds = [-1, -1, 1, 1];
  }

  // Of all points; they are looked at whole until somebody zooms.
  encompass(xy) {
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let at = 0; at < xy.length; at += 2) {
      if (xy[at] < left) { left = xy[at]; }
      if (xy[at] > right) { right = xy[at]; }
      if (xy[at + 1] < top) { top = xy[at + 1]; }
      if (xy[at + 1] > bottom) { bottom = xy[at + 1]; }
    }
    this.bounds = left > right ? [-1, -1, 1, 1] : [left, top, right, bottom];
  }

  resize(width, height) {
    const atHome = this.isHome;
    const zoom = this.zoom;
    this.width = Math.max(width, 1);
    this.height = Math.max(height, 1);
    const [left, top, right, bottom] = this.bounds;
    const scale = (1 - 2 * MARGIN) * Math.min(this.width / (right - left || 1), this.height / (bottom - top || 1));
    this.home = { x: (left + right) / 2, y: (top + bottom) / 2, scale };
    if (atHome) { Object.assign(this, this.home); } else { this.scale = zoom * scale; }
  }

  get zoom() { return this.scale / this.home.scale; }

  get isHome() { return this.x === this.home.x && this.y === this.home.y && this.scale === this.home.scale; }

  toScreen(x, y) { return [(x - this.x) * this.scale + this.width / 2, (y - this.y) * this.scale + this.height / 2]; }

  toMap(x, y) { return [(x - this.width / 2) / this.scale + this.x, (y - this.height / 2) / this.scale + this.y]; }

  pan(dx, dy) { this.look(this.x - dx / this.scale, this.y - dy / this.scale, this.scale); }

  // By `factor`, the map under the pixel (x, y) staying where it is.
  zoomAt(factor, x = this.width / 2, y = this.height / 2) {
    const [atX, atY] = this.toMap(x, y);
    const scale = this.within(this.scale * factor);
    this.look(atX - (x - this.width / 2) / scale, atY - (y - this.height / 2) / scale, scale);
  }

  within(scale) { return Math.min(Math.max(scale, FARTHEST * this.home.scale), CLOSEST * this.home.scale); }

  // The middle stays on the map, so that nobody gets lost beside it.
  look(x, y, scale) {
    const [left, top, right, bottom] = this.bounds;
    this.x = Math.min(Math.max(x, left), right);
    this.y = Math.min(Math.max(y, top), bottom);
    this.scale = this.within(scale);
  }

  goHome() { Object.assign(this, this.home); }

  // What shows these points, and not nearer than `zoom`.
  around(points, zoom = 6) {
    const xs = points.map((point) => point[0]);
    const ys = points.map((point) => point[1]);
    const [left, right] = [Math.min(...xs), Math.max(...xs)];
    const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
    const fits = 0.7 * Math.min(this.width / (right - left || 1e-9), this.height / (bottom - top || 1e-9));
    return { x: (left + right) / 2, y: (top + bottom) / 2, scale: this.within(Math.min(fits, zoom * this.home.scale)) };
  }
}
