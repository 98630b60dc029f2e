// Input from mouse, touch and keys, translated into actions of the map: pan, zoom, aim, open, outline.
const CLICK = 5;  // pixels that a click may move
const WHEEL = 0.0016;
const STEP = 0.12;  // of the map's width, for a press on an arrow
const KEYS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

// does: { pan(dx, dy), zoom(factor, x, y), home(), aim(x, y, how), leave(), open(event), outline(path, done, adding), toggle(),
//         clear() }; tool() is "move", "box" or "lasso".
export function attach(surface, tool, does) {
  const fingers = new Map();
  let start = null;
  let path = null;
  let adding = false;

  const at = (event) => {
    const box = surface.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const middle = () => {
    const [one, other] = [...fingers.values()];
    return [(one[0] + other[0]) / 2, (one[1] + other[1]) / 2, Math.hypot(one[0] - other[0], one[1] - other[1])];
  };
  const corners = ([x, y], [tox, toy]) => [[x, y], [tox, y], [tox, toy], [x, toy]];

  surface.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) { return; }
    surface.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, at(event));
    start = { at: at(event), still: true, pinched: fingers.size > 1 };
    const drawn = event.shiftKey && tool() === "move" ? "lasso" : tool();
    adding = event.shiftKey || event.ctrlKey || event.metaKey;
    path = drawn === "move" || fingers.size > 1 ? null : { kind: drawn, points: [at(event)] };
  });

  surface.addEventListener("pointermove", (event) => {
    const now = at(event);
    if (!fingers.has(event.pointerId)) { does.aim(...now, event.pointerType); return; }
    const last = fingers.get(event.pointerId);
    if (fingers.size === 2) {
      const [x, y, apart] = middle();
      fingers.set(event.pointerId, now);
      const [toX, toY, toApart] = middle();
      does.pan(toX - x, toY - y);
      if (apart > 0 && toApart > 0) { does.zoom(toApart / apart, toX, toY); }
      return;
    }
    fingers.set(event.pointerId, now);
    if (start.still && Math.hypot(now[0] - start.at[0], now[1] - start.at[1]) < CLICK) { return; }
    start.still = false;
    if (path) {
      if (path.kind === "lasso") { path.points.push(now); } else { path.points = corners(start.at, now); }
      does.outline(path.points, false, adding);
    } else {
      does.pan(now[0] - last[0], now[1] - last[1]);
    }
  });

  const lift = (event) => {
    if (!fingers.delete(event.pointerId) || fingers.size) { return; }
    const pinched = start.pinched;
    if (event.type === "pointercancel") {
      does.outline([], true, true);
    } else if (start.still && !pinched) {
      does.aim(...at(event), event.pointerType);
      does.open(event);
    } else if (path && !start.still) {
      does.outline(path.points, true, adding);
    }
    path = null;
  };
  surface.addEventListener("pointerup", lift);
  surface.addEventListener("pointercancel", lift);
  // A finger leaves with its lifting: what it tapped stays named, with the link to open it.
  surface.addEventListener("pointerleave", (event) => {
    if (!fingers.has(event.pointerId) && event.pointerType !== "touch") { does.leave(); }
  });

  surface.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    does.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 6 : 1) * WHEEL), ...at(event));
  }, { passive: false });

  surface.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) { return; }
    const step = STEP * surface.clientWidth * (event.shiftKey ? 3 : 1);
    if (event.key in KEYS) {
      does.pan(...KEYS[event.key].map((direction) => direction * step));
      does.aim(surface.clientWidth / 2, surface.clientHeight / 2, "key");
    } else if (event.key === "+" || event.key === "=" || event.key === "-") {
      does.zoom(event.key === "-" ? 1 / 1.5 : 1.5);
      does.aim(surface.clientWidth / 2, surface.clientHeight / 2, "key");
    } else if (event.key === "0" || event.key === "Home") {
      does.home();
    } else if (event.key === "Enter") {
      does.open(event);
    } else if (event.key === " ") {
      does.toggle();
    } else if (event.key === "Escape") {
      does.clear();
    } else {
      return;
    }
    event.preventDefault();
  });
  surface.addEventListener("focus", () => {
    if (surface.matches(":focus-visible")) { does.aim(surface.clientWidth / 2, surface.clientHeight / 2, "key"); }
  });
  surface.addEventListener("blur", (event) => { if (!event.relatedTarget?.closest(".map-tip")) { does.leave(); } });
}
