// The same points without WebGL2: discs written into the pixels of a 2D canvas, which is faster than drawing them.
const LIMIT_RADIUS = 24;

// Pixels of a disc around (0, 0): [dx, dy, how much of it is covered, 0 to 256] in turns.
function disc(radius) {
  const reach = Math.ceil(radius);
  const stamp = [];
  for (let dy = -reach; dy <= reach; dy += 1) {
    for (let dx = -reach; dx <= reach; dx += 1) {
      const covered = Math.min(Math.max(radius + 0.5 - Math.hypot(dx, dy), 0), 1);
      if (covered > 0.04) { stamp.push(dx, dy, Math.round(256 * covered)); }
    }
  }
  return Int32Array.from(stamp);
}

export class CanvasDrawing {
  static on(canvas) {
    const context = canvas.getContext("2d");
    return context && new CanvasDrawing(context);
  }

  constructor(context) {
    this.kind = "2d";
    this.context = context;
    this.count = 0;
    this.image = null;
  }

  setPoints(xy, before = xy) { this.xy = xy; this.before = before; this.count = xy.length / 2; }

  setWhat(what) { this.what = what; }

  setPalette(palette) { this.palette = palette; }

  resize() {
    const { width, height } = this.context.canvas;
    this.image = this.context.createImageData(width, height);
  }

  draw(view, { radius, ratio, limit, dim, anyMarked, moved }) {
    this.image.data.fill(0);
    const size = Math.min(radius * ratio, LIMIT_RADIUS);
    const count = Math.min(limit, this.count);
    this.stamp(view, ratio, moved, disc(size), count, 0, dim);
    if (anyMarked) { this.stamp(view, ratio, moved, disc(size * 1.35 + 0.5), this.count, 1, 1); }
    this.context.putImageData(this.image, 0, 0);
  }

  stamp(view, ratio, moved, pixels, count, marked, dim) {
    const { width, height, data } = this.image;
    const { xy, before, what, palette } = this;
    const scale = view.scale * ratio;
    const [left, top] = [view.x * scale - width / 2, view.y * scale - height / 2];
    for (let place = 0; place < count; place += 1) {
      const colour = 4 * what[2 * place];
      if (palette[colour + 3] === 0 || (what[2 * place + 1] & 1) !== marked) { continue; }
      const at = 2 * place;
      const x = Math.round((before[at] + (xy[at] - before[at]) * moved) * scale - left);
      const y = Math.round((before[at + 1] + (xy[at + 1] - before[at + 1]) * moved) * scale - top);
      if (x < 0 || y < 0 || x >= width || y >= height) { continue; }
      const alpha = marked ? 255 : palette[colour + 3] * dim;
      const [red, green, blue] = [palette[colour], palette[colour + 1], palette[colour + 2]];
      for (let pixel = 0; pixel < pixels.length; pixel += 3) {
        const [px, py] = [x + pixels[pixel], y + pixels[pixel + 1]];
        if (px < 0 || py < 0 || px >= width || py >= height) { continue; }
        const to = 4 * (py * width + px);
        const mine = alpha * pixels[pixel + 2] / 65280;  // 0 to 1
        const under = data[to + 3] / 255 * (1 - mine);
        const whole = mine + under;
        data[to] = (red * mine + data[to] * under) / whole;
        data[to + 1] = (green * mine + data[to + 1] * under) / whole;
        data[to + 2] = (blue * mine + data[to + 2] * under) / whole;
        data[to + 3] = 255 * whole;
      }
    }
  }
}
