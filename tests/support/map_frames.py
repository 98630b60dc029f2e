"""How fast the map is drawn: `python -m tests.support.map_frames [--points 1500 100000 1000000] [--draw webgl2 2d]`.

A page of a real server in headless Chromium, which draws without a GPU; its points and colours are made up here, in
the format of the real ones. Of each size: seconds until the map can be used, then milliseconds from frame to frame
while it is dragged and zoomed for some seconds, with how many points were drawn then, and the milliseconds that
drawing all of them takes once it rests.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, Route, sync_playwright

from indexing.embedding_map.wire_format import encode_colours, encode_points
from tests.support import cast, chromium
from tests.support.server import Site, serving

SIZES = (1_500, 100_000, 1_000_000)
CLUSTERS = 60
FRAMES = """(count) => new Promise((resolve) => {
  const stage = document.getElementById("map").stage;
  const [times, drawn] = [[], []];
  const began = performance.now();
  const step = (now) => {
    times.push(now);
    drawn.push(Math.min(stage.budget, stage.points.count));
    const turn = times.length / 15;
    stage.view.pan(9 * Math.cos(turn), 9 * Math.sin(turn));
    stage.view.zoomAt(1 + 0.02 * Math.sin(turn / 2));
    stage.moving();
    if (times.length > count || now - began > 12000) { resolve([times, drawn]); return; }
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})"""
WHOLE = """() => {
  const stage = document.getElementById("map").stage;
  const took = [];
  for (let round = 0; round < 3; round += 1) {
    const began = performance.now();
    stage.draw();
    const gl = stage.drawing.gl;
    if (gl) { gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4)); }  // waits for the drawing
    took.push(performance.now() - began);
  }
  return Math.min(...took);
}"""


def bodies(count: int, version: int) -> tuple[bytes, bytes]:
    """Points and colours of `count` made-up experts in clusters."""
    random = np.random.default_rng(1)
    cluster = random.integers(0, CLUSTERS, count)
    middles = random.normal(scale=30, size=(CLUSTERS, 2))
    positions = middles[cluster] + random.normal(scale=3, size=(count, 2))
    classes = (1 + cluster % 2).astype(np.uint8)
    return (
        encode_points(version, np.arange(1, count + 1), positions.astype(np.float32)),
        encode_colours(version, classes),
    )


def measure(page: Page, count: int, draw: str) -> dict[str, Any]:
    sent = dict(zip(("points", "colours"), bodies(count, 1), strict=True))
    for name, body in sent.items():
        page.route(f"**/map/{name}/*", answering(body))
    began = time.monotonic()
    page.goto(f"/admin/index/map/?draw={draw}")
    page.wait_for_selector("#map-stage[data-ready]", timeout=120_000)
    ready = time.monotonic() - began
    used = page.locator("#map-stage").get_attribute("data-draw")
    page.evaluate(FRAMES, 30)  # to find how many points the machine keeps up with
    times, drawn = page.evaluate(FRAMES, 150)
    apart = np.diff(times)
    return {
        "points": count,
        "draw": used,
        "ready_s": round(ready, 1),
        "frame_ms_p50": round(float(np.median(apart)), 1),
        "frame_ms_p95": round(float(np.percentile(apart, 95)), 1),
        "drawn_moving": int(statistics.median(drawn)),
        "whole_ms": round(page.evaluate(WHOLE), 1),
    }


def answering(body: bytes) -> Callable[[Route], None]:
    return lambda route: route.fulfill(status=200, content_type="application/octet-stream", body=body)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, nargs="+", default=SIZES)
    parser.add_argument("--draw", choices=("webgl2", "2d"), nargs="+", default=("webgl2", "2d"))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tcs-map-") as folder:
        site = Site(Path(folder), {"TCS_ENCODER": "tests.support.fakes.HashEncoder"})
        site.manage("migrate", "--verbosity", "0")
        site.create_staff("rita")
        site.run("from tests.support import map_cast\nmap_cast.mapped(20)")
        with serving(site) as server, sync_playwright() as playwright:
            browser = chromium.start(playwright.chromium)
            for draw in asked.draw:
                for count in asked.points:
                    context = browser.new_context(base_url=server.url, viewport={"width": 1440, "height": 900})
                    page = context.new_page()
                    page.goto("/admin/login/")
                    page.get_by_label("Username").fill("rita")
                    page.get_by_label("Password").fill(cast.PASSWORD)
                    page.get_by_role("button", name="Sign in").click()
                    print(measure(page, count, draw), flush=True)  # noqa: T201
                    context.close()
            browser.close()


if __name__ == "__main__":
    main()
