// Which points are near a place, in a box, in a polygon: a grid over the map, each cell the places of its points.
const PER_CELL = 4;

export class Picking {
  // xy Float32Array[2n]; bounds [left, top, right, bottom] of it.
  constructor(xy, bounds) {
    this.xy = xy;
    const count = xy.length / 2;
    [this.left, this.top] = bounds;
    const [width, height] = [bounds[2] - bounds[0] || 1, bounds[3] - bounds[1] || 1];
    this.cell = Math.sqrt(width * height * PER_CELL / Math.max(count, 1));
    this.columns = Math.floor(width / this.cell) + 1;
    this.rows = Math.floor(height / this.cell) + 1;
    this.starts = new Uint32Array(this.columns * this.rows + 1);
    const cells = new Uint32Array(count);
    for (let place = 0; place < count; place += 1) {
      cells[place] = this.row(xy[2 * place + 1]) * this.columns + this.column(xy[2 * place]);
      this.starts[cells[place] + 1] += 1;
    }
    for (let cell = 1; cell < this.starts.length; cell += 1) { this.starts[cell] += this.starts[cell - 1]; }
    const next = this.starts.slice();
    this.places = new Uint32Array(count);
    for (let place = 0; place < count; place += 1) { this.places[next[cells[place]]++] = place; }
  }

  column(x) { return Math.min(Math.max(Math.floor((x - this.left) / this.cell), 0), this.columns - 1); }

  row(y) { return Math.min(Math.max(Math.floor((y - this.top) / this.cell), 0), this.rows - 1); }

  // Calls visit(place, x, y) for every point in the box.
  eachIn(left, top, right, bottom, visit) {
    const { xy, starts, places } = this;
    const [first, last] = [this.column(left), this.column(right)];
    for (let row = this.row(top); row <= this.row(bottom); row += 1) {
      const end = starts[row * this.columns + last + 1];
      for (let at = starts[row * this.columns + first]; at < end; at += 1) {
        const place = places[at];
        const [x, y] = [xy[2 * place], xy[2 * place + 1]];
        if (x >= left && x <= right && y >= top && y <= bottom) { visit(place, x, y); }
      }
    }
  }

  // The nearest point within `reach`, of those that `shown(place)`; -1 where there is none.
  nearest(x, y, reach, shown) {
    let [best, found] = [reach * reach, -1];
    this.eachIn(x - reach, y - reach, x + reach, y + reach, (place, px, py) => {
      const away = (px - x) ** 2 + (py - y) ** 2;
      if (away <= best && shown(place)) { [best, found] = [away, place]; }
    });
    return found;
  }

  // The places of the `count` nearest within `reach`, nearest first.
  near(x, y, reach, count, shown) {
    const found = [];
    this.eachIn(x - reach, y - reach, x + reach, y + reach, (place, px, py) => {
      if (shown(place)) { found.push([(px - x) ** 2 + (py - y) ** 2, place]); }
    });
    return found.sort((one, other) => one[0] - other[0]).slice(0, count).map((pair) => pair[1]);
  }

  // The places within a polygon [[x, y], ...].
  within(polygon, shown) {
    const xs = polygon.map((corner) => corner[0]);
    const ys = polygon.map((corner) => corner[1]);
    const found = [];
    this.eachIn(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys), (place, x, y) => {
      if (shown(place) && inside(polygon, x, y)) { found.push(place); }
    });
    return found;
  }
}

// By how often a ray to the right crosses the edge.
function inside(polygon, x, y) {
  let odd = false;
  for (let at = 0, last = polygon.length - 1; at < polygon.length; last = at, at += 1) {
    const [ax, ay] = polygon[at];
    const [bx, by] = polygon[last];
    if ((ay > y) !== (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax) { odd = !odd; }
  }
  return odd;
}
