// The map page: puts the parts together. Without this file the page is its table and its text.
import { Aim } from "./aim.js";
import { loadColours, loadPoints, NotThere } from "./data.js";
import { Legend } from "./legend.js";
import { Picking } from "./picking.js";
import { attach } from "./pointer.js";
import { Stage } from "./stage.js";

const map = document.getElementById("map");
const element = map.querySelector("#map-stage");
const surface = map.querySelector("#map-surface");
const version = map.dataset.version;
map.hidden = false;

const stage = new Stage(element, new URLSearchParams(location.search).get("draw"));
const aim = new Aim(stage, map);
const legend = new Legend(stage, map);
map.stage = stage;  // for tests, and for whoever is curious in the console

function ink() {
  const style = getComputedStyle(element);
  stage.ink = Object.fromEntries(
    [["paper", "--body-bg"], ["loud", "--body-loud-color"], ["quiet", "--body-quiet-color"], ["link", "--link-fg"]].map(
      ([name, variable]) => [name, style.getPropertyValue(variable).trim()],
    ),
  );
}

function restyle() {
  ink();
  legend.apply();
}

new MutationObserver(restyle).observe(document.documentElement, { attributeFilter: ["data-theme"] });
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", restyle);

const coloursUrl = () => `${map.dataset.colours}?version=${version}&by=${encodeURIComponent(legend.by)}`;

async function load() {
  try {
    const points = await loadPoints(`${map.dataset.points}?version=${version}`);
    const classes = await loadColours(coloursUrl(), points);
    ink();
    stage.setPoints(points, classes);
    stage.picking = new Picking(points.xy, stage.view.bounds);
    legend.apply();
    element.dataset.ready = "";
  } catch (error) {
    const failed = map.querySelector("#map-failed");
    failed.hidden = false;
    if (!(error instanceof NotThere)) { throw error; }
  }
}

document.addEventListener("htmx:afterSwap", async (event) => {
  if (event.target.id !== "map-legend" || !stage.points) { return; }
  stage.setClasses(await loadColours(coloursUrl(), stage.points));
  legend.apply();
});

const zoom = (factor, x, y) => {
  stage.view.zoomAt(factor, x, y);
  stage.moving();
};
const home = () => {
  stage.view.goHome();
  stage.moving();
};

attach(surface, () => "move", {
  pan: (dx, dy) => { stage.view.pan(dx, dy); stage.moving(); },
  zoom,
  home,
  aim: (x, y, how) => aim.at(x, y, how),
  leave: () => aim.leave(),
  open: (event) => { if (event.pointerType !== "touch") { aim.open(event); } },
  outline: () => {},
  toggle: () => {},
  clear: () => aim.leave(),
});

for (const [name, does] of [["in", () => zoom(1.6)], ["out", () => zoom(1 / 1.6)], ["whole", home]]) {
  map.querySelector(`[data-zoom=${name}]`).addEventListener("click", does);
}

load();
