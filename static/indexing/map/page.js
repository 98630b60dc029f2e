// The map page: puts the parts together. Without this file the page is its legend, its table and its text.
import { Aim } from "./aim.js";
import { Areas } from "./areas.js";
import { loadColours, loadPoints, placesOf } from "./data.js";
import { Gaps } from "./gaps.js";
import { Legend } from "./legend.js";
import { before, glide, Moves } from "./moves.js";
import { Picking } from "./picking.js";
import { attach } from "./pointer.js";
import { Query } from "./query.js";
import { Selection } from "./select.js";
import { Stage } from "./stage.js";

const map = document.getElementById("map");
const element = map.querySelector("#map-stage");
let version = Number(map.dataset.version);

const stage = new Stage(element, new URLSearchParams(location.search).get("draw"));
map.stage = stage;  // for tests, and for whoever is curious in the console
const legend = new Legend(stage, map);

// Who stands out: the union of what several parts of the page want lit.
const marks = {
  groups: new Map(),
  set(name, places) {
    this.groups.set(name, places);
    const all = new Set();
    for (const group of this.groups.values()) { for (const place of group) { all.add(place); } }
    stage.mark([...all]);
  },
};

function look(points) {
  const { view } = stage;
  const goal = view.around(points);
  const start = { x: view.x, y: view.y, scale: view.scale };
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const began = performance.now();
  const step = (now) => {
    const share = still ? 1 : Math.min((now - began) / 450, 1);
    const eased = 1 - (1 - share) ** 3;
    const between = (name) => start[name] + (goal[name] - start[name]) * eased;
    view.look(between("x"), between("y"), start.scale * (goal.scale / start.scale) ** eased);
    stage.moving();
    if (share < 1) { requestAnimationFrame(step); }
  };
  requestAnimationFrame(step);
}

// What is made first writes first: names of areas take the room that is left.
const selection = new Selection(stage, map, marks);
const aim = new Aim(stage, map);
const query = new Query(stage, map, { marks, look, aim });
const gaps = new Gaps(stage, map, look);
const areas = new Areas(stage, map);
const moves = new Moves(stage, map, { show, shown: () => version, look, aim });

function restyle() {
  const style = getComputedStyle(element);
  const names = [["paper", "--body-bg"], ["loud", "--body-loud-color"], ["quiet", "--body-quiet-color"], ["link", "--link-fg"]];
  stage.ink = Object.fromEntries(names.map(([name, variable]) => [name, style.getPropertyValue(variable).trim()]));
  stage.ink.font = style.fontFamily;
  legend.apply();
}
new MutationObserver(restyle).observe(document.documentElement, { attributeFilter: ["data-theme"] });
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", restyle);

const colours = (points) => loadColours(`${map.dataset.colours}?version=${points.version}&by=${encodeURIComponent(legend.by)}`, points);

async function recolour() {
  stage.setClasses(await colours(stage.points));
  legend.apply();
}

async function show(number) {
  const from = stage.points;
  const points = await loadPoints(`${map.dataset.points}?version=${number}`);
  const classes = await colours(points);
  version = number;
  map.querySelectorAll(".map-side [data-version]").forEach((field) => { field.value = number; });
  restyle();
  stage.moved = from ? 0 : 1;
  stage.setPoints(points, classes, from ? before(from, points) : undefined);
  stage.picking = new Picking(points.xy, stage.view.bounds);
  restyle();
  aim.leave();
  selection.mark();
  element.dataset.version = number;
  map.querySelector("#map-version").value = number;
  const others = Promise.allSettled([areas.load(number), gaps.load(number), query.load()]);
  if (from) { await glide(stage); }
  await others;
}

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id === "map-legend" && stage.points) { recolour(); }
  if (event.target.id === "map-notice" && stage.points) { recolour(); }  // somebody was tagged
});
map.querySelector("#map-version").addEventListener("change", (event) => event.target.form.requestSubmit());

const zoom = (factor, x, y) => {
  stage.view.zoomAt(factor, x, y);
  stage.moving();
};
const home = () => {
  stage.view.goHome();
  stage.moving();
};
const tool = () => map.querySelector("[name=tool]:checked").value;

attach(surface(), tool, {
  pan: (dx, dy) => { stage.view.pan(dx, dy); stage.moving(); },
  zoom,
  home,
  aim: (x, y, how) => { aim.at(x, y, how); gaps.at(x, y); },
  leave: () => aim.leave(),
  open: (event) => {
    if (tool() !== "move" || event.shiftKey) { selection.toggle(aim.place); } else if (event.pointerType !== "touch") { aim.open(event); }
  },
  outline: (path, done, adding) => selection.outline(path, done, adding),
  toggle: () => selection.toggle(aim.place),
  clear: () => { selection.clear(); aim.leave(); },
});

function surface() { return map.querySelector("#map-surface"); }

for (const [name, does] of [["in", () => zoom(1.6)], ["out", () => zoom(1 / 1.6)], ["whole", home]]) {
  map.querySelector(`[data-zoom=${name}]`).addEventListener("click", does);
}
map.querySelectorAll("[name=tool]").forEach((radio) => radio.addEventListener("change", () => { element.dataset.tool = tool(); }));

// Who opens an expert and comes back finds the map as it was.
const KEPT = `map-${version}`;
window.addEventListener("pagehide", () => {
  const { x, y, scale } = stage.view;
  const ids = [...selection.ids].slice(0, 2000);
  sessionStorage.setItem(KEPT, JSON.stringify({ zoom: stage.view.isHome ? 0 : scale / stage.view.home.scale, x, y, ids }));
});

// An address can name an expert: from their page a link leads to them.
function showNamed() {
  const id = Number(new URLSearchParams(location.search).get("expert"));
  const [place] = id ? placesOf(stage.points, [id]) : [];
  if (!(place >= 0)) { return; }
  selection.set([id]);
  look([[stage.points.xy[2 * place], stage.points.xy[2 * place + 1]]]);
}

function restore() {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) || "null");
  if (!kept || performance.getEntriesByType("navigation")[0]?.type !== "back_forward") { showNamed(); return; }
  if (kept.zoom) { stage.view.look(kept.x, kept.y, kept.zoom * stage.view.home.scale); }
  if (kept.ids.length) { selection.set(kept.ids); }
  stage.request();
}

show(version).then(restore).then(() => { element.dataset.ready = ""; }, (error) => {
  map.querySelector("#map-failed").hidden = false;
  throw error;
});
