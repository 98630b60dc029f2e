// The bytes of points and colours, in the format of indexing/embedding_map/wire_format.py.
const HEAD = 16;
const FORMAT = 1;

export class NotThere extends Error {}

async function bytes(url, magic) {
  const answer = await fetch(url, { headers: { Accept: "application/octet-stream" } });
  if (answer.status === 202) { throw new NotThere("computing"); }
  if (!answer.ok) { throw new Error(`${url}: ${answer.status}`); }
  const buffer = await answer.arrayBuffer();
  const head = new DataView(buffer, 0, HEAD);
  const found = String.fromCharCode(...new Uint8Array(buffer, 0, 4));
  if (found !== magic || head.getUint32(4, true) !== FORMAT) { throw new Error(`${url}: ${found} is not ${magic}`); }
  return { buffer, count: head.getUint32(8, true), version: head.getUint32(12, true) };
}

// A fixed shuffle: any beginning of the shuffled points is a fair sample, which is what is drawn while one moves.
function shuffled(count) {
  const order = new Uint32Array(count);
  let seed = 2463534242;
  for (let place = 0; place < count; place += 1) {
    seed ^= seed << 13; seed ^= seed >>> 17; seed ^= seed << 5;
    const other = (seed >>> 0) % (place + 1);
    order[place] = order[other];
    order[other] = place;
  }
  return order;
}

// { count, version, order: Uint32Array[n], xy: Float32Array[2n], ids: Uint32Array[n], places: Map id -> place }
export async function loadPoints(url) {
  const { buffer, count, version } = await bytes(url, "TCSP");
  const positions = new Float32Array(buffer, HEAD, 2 * count);
  const rows = new Uint32Array(buffer, HEAD + 8 * count, count);
  const order = shuffled(count);
  const xy = new Float32Array(2 * count);
  const ids = new Uint32Array(count);
  for (let place = 0; place < count; place += 1) {
    const row = order[place];
    xy[2 * place] = positions[2 * row];
    xy[2 * place + 1] = positions[2 * row + 1];
    ids[place] = rows[row];
  }
  return { count, version, order, xy, ids, rows };
}

// The class of each point, Uint8Array[n], in the order of `points`.
export async function loadColours(url, points) {
  const { buffer, count } = await bytes(url, "TCSC");
  if (count !== points.count) { throw new Error(`${url}: ${count} colours for ${points.count} points`); }
  const byRow = new Uint8Array(buffer, HEAD, count);
  const classes = new Uint8Array(count);
  for (let place = 0; place < count; place += 1) { classes[place] = byRow[points.order[place]]; }
  return classes;
}

// The place of each id that is on the map; the ids of the rows rise, so they are searched by halves.
export function placesOf(points, ids) {
  if (!points.placeOfRow) {
    points.placeOfRow = new Uint32Array(points.count);
    for (let place = 0; place < points.count; place += 1) { points.placeOfRow[points.order[place]] = place; }
  }
  const found = [];
  for (const id of ids) {
    let low = 0;
    let high = points.count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (points.rows[middle] < id) { low = middle + 1; } else { high = middle; }
    }
    if (points.rows[low] === id) { found.push(points.placeOfRow[low]); }
  }
  return found;
}
