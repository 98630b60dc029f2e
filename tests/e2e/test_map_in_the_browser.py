"""The map in a browser: drawn with WebGL2 and without, pointed at, chosen from, flipped through.

Its encoder is the faked one: where points lie is t-SNE's matter, and a version takes seconds less.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.server import Server, Site
from tests.waiting import until

pytestmark = pytest.mark.e2e

MAP = "/admin/index/map/"
LONELY = """() => {
  // A point of the map that has no other near it and lies under nothing: where it is in the window, and whose it is.
  const stage = document.getElementById("map").stage;
  const box = document.getElementById("map-surface").getBoundingClientRect();
  const places = [...Array(stage.points.count).keys()].filter(stage.isShown);
  const at = new Map(places.map((place) => [place, stage.screenOf(place)]));
  const away = (one, other) => Math.hypot(at.get(one)[0] - at.get(other)[0], at.get(one)[1] - at.get(other)[1]);
  const room = (place) => Math.min(...places.filter((other) => other !== place).map((other) => away(place, other)));
  const clear = places.filter((place) => {
    const [x, y] = at.get(place);
    return document.elementFromPoint(box.left + x, box.top + y)?.id === "map-surface";
  });
  const best = clear.sort((one, other) => room(other) - room(one))[0];
  return { id: stage.points.ids[best], x: box.left + at.get(best)[0], y: box.top + at.get(best)[1] };
}"""
PAINTED = """() => {
  const stage = document.getElementById("map").stage;
  stage.draw();
  const { canvas } = stage.drawing.gl || stage.drawing.context;
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
  copy.drawImage(canvas, 0, 0);
  return copy.getImageData(0, 0, canvas.width, canvas.height).data.reduce((sum, value) => sum + (value > 0), 0);
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Site:
    """Two versions with maps, the second with three experts more."""
    site = Site(tmp_path_factory.mktemp("site"), {"TCS_ENCODER": "tests.fakes.HashEncoder"})
    site.manage("migrate", "--verbosity", "0")
    site.create_staff("rita")
    site.run(
        "from experts.models import Expert\nfrom tests import cast\n"
        "from indexing.models import IndexVersion\nfrom indexing.snapshot.reader import Snapshot\n"
        "from indexing import paths, processes, maps\n"
        "def version():\n"
        "    version = IndexVersion.objects.get(pk=cast.rebuild().version_id)\n"
        "    version.hand_map_to(processes.me())\n"
        "    assert maps.compute(version.number)\n"
        "cast.experts(60)\nversion()\n"
        "for n in range(3): Expert.objects.create(username=f'late-{n}', first_name='Lara', last_name=f'Late{n}',"
        " job_title='Glazier', bio='Restores stained glass.', category='Craft')\n"
        "version()\n"
    )
    return site


@pytest.fixture
def window(tabs: BrowserContext, server: Server) -> BrowserContext:
    server.wait_for_version(2)
    return tabs


def opened(window: BrowserContext, asked: str = "") -> Page:
    page = window.new_page()
    page.goto(MAP + asked)
    expect(page.locator("#map-stage[data-ready]")).to_be_visible()
    return page


def expert(site: Site, pk: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        site.run(
            "import json\nfrom experts.models import Expert\nfrom django.contrib.admin.models import LogEntry\n"
            f"one = Expert.objects.get(pk={pk})\n"
            "print(json.dumps({'name': one.full_name, 'title': one.job_title,"
            " 'manual': list(one.expert_tags.filter(source='manual').values_list('tag__name', flat=True)),"
            f" 'history': LogEntry.objects.filter(object_id='{pk}').count()}}))"
        )
    )
    return found


@pytest.mark.parametrize("draw", ["webgl2", "2d"])
def test_a_point_says_whose_it_is_and_opens_the_expert(window: BrowserContext, site: Site, draw: str) -> None:
    page = opened(window, f"?draw={draw}")
    expect(page.locator("#map-stage")).to_have_attribute("data-draw", draw)
    assert page.evaluate(PAINTED) > 1_000
    point = page.evaluate(LONELY)
    somebody = expert(site, point["id"])
    page.mouse.move(point["x"], point["y"])
    expect(page.locator("#map-tip")).to_contain_text(somebody["name"])
    expect(page.locator("#map-tip")).to_contain_text(somebody["title"])
    page.mouse.click(point["x"], point["y"])
    expect(page).to_have_url(re.compile(f"/admin/experts/expert/{point['id']}/change/$"))
    page.go_back()
    expect(page.locator("#map-stage[data-ready]")).to_be_visible()


def test_the_keyboard_does_what_the_mouse_does(window: BrowserContext) -> None:
    page = opened(window)
    whole = page.evaluate("document.getElementById('map').stage.view.scale")
    page.locator("#map-surface").focus()
    for key in ("+", "+", "ArrowLeft", "ArrowRight"):
        page.keyboard.press(key)
    assert page.evaluate("document.getElementById('map').stage.view.scale") > 2 * whole
    page.keyboard.press("0")
    assert page.evaluate("document.getElementById('map').stage.view.isHome")
    page.evaluate(
        "() => { const { view, points } = document.getElementById('map').stage;"
        " view.look(points.xy[0], points.xy[1], view.home.scale * 6); }"
    )
    page.keyboard.press("+")
    expect(page.locator("#map-said")).not_to_be_empty()
    name = page.locator("#map-said").inner_text().split(", ")[0]
    page.keyboard.press("Space")
    expect(page.locator("#map-selected li")).to_have_count(1)
    expect(page.locator("#map-selected")).to_contain_text(name)
    page.keyboard.press("Escape")
    expect(page.locator("#map-selected")).to_be_hidden()


def test_a_lasso_chooses_people_who_are_tagged_together(window: BrowserContext, site: Site) -> None:
    page = opened(window)
    box = page.locator("#map-surface").bounding_box()
    assert box
    page.locator(".map-tools").get_by_text("Lasso").click()
    x, y, reach = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["height"] * 0.3
    page.mouse.move(x + reach, y)
    page.mouse.down()
    for step in range(1, 13):
        page.mouse.move(x + reach * math.cos(step / 2), y + reach * math.sin(step / 2))
    page.mouse.up()
    people = page.locator("#map-selected li")
    expect(people.first).to_be_visible()
    count, chosen = people.count(), int(people.first.get_attribute("data-expert") or 0)
    assert 0 < count < 63
    expect(page.locator("#map-selected h2")).to_have_text(f"{count} chosen")
    page.locator("#map-selected-tag").select_option("Tax")
    page.locator("#map-selected").get_by_role("button", name="Tag").click()
    expect(page.locator("#map-notice")).to_contain_text("“Tax”")
    tagged = expert(site, chosen)
    assert "Tax" in tagged["manual"]
    assert tagged["history"] == 1


def test_the_legend_hides_a_class_and_another_colouring_replaces_it(window: BrowserContext) -> None:
    page = opened(window)
    all_painted = page.evaluate(PAINTED)
    page.locator(".map-class", has_text="Finance").click()
    page.mouse.move(5, 5)  # what is under the pointer in the legend stands out
    assert 0 < page.evaluate(PAINTED) < 0.8 * all_painted
    page.get_by_role("button", name="Hide all").click()
    page.mouse.move(5, 5)
    assert page.evaluate(PAINTED) == 0
    page.locator("#map-colour").select_option("since:1")
    expect(page.locator(".map-class", has_text="new").first).to_contain_text("3")
    until(lambda: page.evaluate(PAINTED) > 1_000, seconds=10)


def test_a_query_lands_and_two_versions_are_flipped_through(window: BrowserContext) -> None:
    page = opened(window)
    page.emulate_media(reduced_motion="reduce")
    page.locator("#map-q").fill("sourdough bread")
    page.locator("#map-q").press("Enter")
    expect(page.locator(".map-hits li")).to_have_count(10)
    expect(page.locator(".map-hits li").first).to_contain_text("Baker")
    assert page.evaluate("document.getElementById('map').stage.marked") >= 10
    page.get_by_role("button", name="Flip", exact=True).click()
    expect(page.locator("#map-stage")).to_have_attribute("data-version", "1")
    assert page.evaluate("document.getElementById('map').stage.points.count") == 60
    expect(page.locator("[data-moved] li").first).to_be_visible()
    page.get_by_role("button", name="Flip", exact=True).click()
    expect(page.locator("#map-stage")).to_have_attribute("data-version", "2")
    assert page.evaluate("document.getElementById('map').stage.points.count") == 63
