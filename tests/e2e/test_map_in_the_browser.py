"""The map in a browser: drawn with WebGL2 and without, pointed at, selected from, switched between versions.

Its encoder is the faked one: where points lie is t-SNE's matter, and a version takes seconds less.
"""

from __future__ import annotations

import json
import math
import re
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.support.server import Server, Site
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

MAP = "/admin/index/map/"
PROFILE = "/experts/[^/]+/$"
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
SHOWN = """() => {
  const stage = document.getElementById("map").stage;
  return [...Array(stage.points.count).keys()].filter(stage.isShown).map((place) => {
    const [x, y] = stage.screenOf(place);
    return { id: stage.points.ids[place], x, y };
  });
}"""
WRITTEN = """() => {
  // What is written over the points, and where: of each text its middle and width in pixels.
  const stage = document.getElementById("map").stage;
  const texts = [];
  stage.over.fillText = function (text, x, y) {
    texts.push({ text, x, y, width: this.measureText(text).width });
    CanvasRenderingContext2D.prototype.fillText.call(this, text, x, y);
  };
  stage.draw();
  delete stage.over.fillText;
  return texts;
}"""
ON_SCREEN = "([x, y]) => document.getElementById('map').stage.view.toScreen(x, y)"
INK = """([x, y, reach]) => {
  // The alpha of all pixels within `reach` of a place over the points.
  const { over, ratio } = document.getElementById("map").stage;
  const side = Math.max(Math.round(2 * reach * ratio), 1);
  const { data } = over.getImageData(Math.round((x - reach) * ratio), Math.round((y - reach) * ratio), side, side);
  return data.reduce((sum, value, at) => sum + (at % 4 === 3 ? value : 0), 0);
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
def site(tmp_path_factory, migrated: Path) -> Site:
    """Two versions with maps, the second with three experts more."""
    site = Site.like(migrated, tmp_path_factory.mktemp("site"), {"TCS_ENCODER": "tests.support.fakes.HashEncoder"})
    site.create_staff("rita")
    site.run(
        "from experts.models import Expert\nfrom tests.support import cast\n"
        "from django.utils import timezone\nfrom indexing.models import SearchLog\n"
        "from indexing.models import IndexVersion\nfrom indexing.snapshot.reader import Snapshot\n"
        "from indexing.embedding_map.layout import compute\nfrom indexing.lib import paths, processes\n"
        "def version():\n"
        "    version = IndexVersion.objects.get(pk=cast.rebuild().version_id)\n"
        "    version.assign_map(processes.me())\n"
        "    assert compute.compute(version.number)\n"
        "cast.experts(60)\nversion()\n"
        "for n in range(3): Expert.objects.create(username=f'late-{n}', first_name='Lara', last_name=f'Late{n}',"
        " job_title='Glazier', bio='Restores stained glass.', category='Craft')\n"
        "version()\n"
        "SearchLog.objects.create(at=timezone.now(), day=timezone.now().date(), query='welder', folded='welder',"
        " mode='keyword', k=10, version=2, hits=0, found_nobody=True, seconds=0.01)\n"
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


def chosen(page: Page) -> set[int]:
    return set(page.locator("#map-selected li").evaluate_all("(items) => items.map((each) => +each.dataset.expert)"))


def clear_of(values: list[float], share: float) -> float:
    """A place near that share of the values that lies far from all of them."""
    some = sorted(values)[int(len(values) * (share - 0.15)) : int(len(values) * (share + 0.15))]
    apart, place = max((after - before, (after + before) / 2) for before, after in pairwise(some))
    assert apart > 3, "pixels: the mouse comes to whole ones"
    return place


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
    expect(page).to_have_url(re.compile(PROFILE))
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
    page.keyboard.press("Space")
    expect(page.locator("#map-selected li")).to_have_count(1)
    name = page.locator("#map-selected li a").inner_text()
    expect(page.locator("#map-said")).to_contain_text(name)  # by and by: the keys before have their say first
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
    expect(page.locator("#map-selected h2")).to_have_text(f"{count} selected")
    page.locator("#map-selected-tag").select_option("Tax")
    page.locator("#map-selected").get_by_role("button", name="Add tag").click()
    expect(page.locator("#map-notice")).to_contain_text("“Tax”")
    tagged = expert(site, chosen)
    assert "Tax" in tagged["manual"]
    assert tagged["history"] == 1


def test_a_box_chooses_exactly_who_is_shown_inside(window: BrowserContext) -> None:
    page = opened(window)
    surface = page.locator("#map-surface").bounding_box()
    assert surface
    everybody = page.evaluate(SHOWN)
    xs, ys = [each["x"] for each in everybody], [each["y"] for each in everybody]
    left, right, top, bottom = clear_of(xs, 0.2), clear_of(xs, 0.7), clear_of(ys, 0.2), clear_of(ys, 0.8)

    def inside(left: float, right: float) -> set[int]:
        shown = page.evaluate(SHOWN)
        return {each["id"] for each in shown if left < each["x"] < right and top < each["y"] < bottom}

    def drag(left: float, right: float) -> None:
        page.mouse.move(surface["x"] + left, surface["y"] + top)
        page.mouse.down()
        page.mouse.move(surface["x"] + left + 9, surface["y"] + bottom + 9)
        page.mouse.move(surface["x"] + right, surface["y"] + bottom)
        page.mouse.up()

    page.locator(".map-tools").get_by_text("Box").click()
    drag(left, right)
    whole = inside(left, right)
    assert 0 < len(whole) < len(everybody)
    until(lambda: chosen(page) == whole, seconds=10)
    page.locator(".map-class", has_text="Finance").click()
    drag(left, right)
    part = inside(left, right)
    assert 0 < len(part) < len(whole)
    until(lambda: chosen(page) == part, seconds=10)
    page.keyboard.down("Control")
    drag(right, max(xs) + 5)
    page.keyboard.up("Control")
    more = inside(right, max(xs) + 5)
    assert more
    until(lambda: chosen(page) == part | more, seconds=10)
    expect(page.locator("#map-selected h2")).to_have_text(f"{len(part | more)} selected")


def test_fingers_zoom_around_themselves_move_the_map_and_tap_a_point(window: BrowserContext) -> None:
    page = opened(window)
    session = window.new_cdp_session(page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})
    box = page.locator("#map-surface").bounding_box()
    assert box

    def touch(kind: str, *fingers: tuple[float, float]) -> None:
        points = [{"x": box["x"] + x, "y": box["y"] + y, "id": place} for place, (x, y) in enumerate(fingers)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def view() -> dict[str, float]:
        seen: dict[str, float] = page.evaluate("(({ x, y, scale }) => ({ x, y, scale }))(map.stage.view)")
        return seen

    x, y = box["width"] * 0.4, box["height"] * 0.6
    before, under = view(), page.evaluate(f"map.stage.view.toMap({x}, {y})")
    touch("touchStart", (x - 40, y), (x + 40, y))
    for step in range(1, 9):
        (toX, toY), apart = (x + 5 * step, y - 4 * step), 40 + 5 * step
        touch("touchMove", (toX - apart, toY), (toX + apart, toY))
    touch("touchEnd")
    until(lambda: view()["scale"] / before["scale"] == pytest.approx(2, rel=0.03), seconds=5)
    assert page.evaluate(ON_SCREEN, under) == pytest.approx([x + 40, y - 32], abs=3)
    assert page.evaluate("visualViewport.scale") == 1
    before = view()
    touch("touchStart", (x, y))
    for step in range(1, 9):
        touch("touchMove", (x - 5 * step, y + 5 * step))
    touch("touchEnd")
    until(lambda: view()["x"] > before["x"] and view()["y"] < before["y"], seconds=5)
    assert view()["scale"] == before["scale"]
    expect(page.locator("#map-selected")).to_be_hidden()
    page.evaluate("map.stage.view.goHome()")
    point = page.evaluate(LONELY)
    at = point["x"] - box["x"], point["y"] - box["y"]
    touch("touchStart", at)
    touch("touchEnd")
    expect(page.locator("#map-tip a")).to_have_attribute("href", re.compile(PROFILE))
    expect(page).to_have_url(re.compile(f"{MAP}$"))
    link = page.locator("#map-tip a").bounding_box()
    assert link
    at = link["x"] + link["width"] / 2 - box["x"], link["y"] + link["height"] / 2 - box["y"]
    touch("touchStart", at)
    touch("touchEnd")
    expect(page).to_have_url(re.compile(PROFILE))


def test_names_of_areas_are_written_where_they_are_and_not_over_each_other(window: BrowserContext) -> None:
    page = opened(window)
    areas = page.request.get(f"{MAP}areas/?version=2").json()["areas"]
    places = [(area["name"], page.evaluate(ON_SCREEN, [area["x"], area["y"]])) for area in areas]
    until(lambda: page.evaluate(WRITTEN), seconds=5)
    texts = page.evaluate(WRITTEN)
    for each in texts:
        there = [place for name, place in places if name == each["text"]]  # areas far apart may share a name
        assert any([each["x"], each["y"]] == pytest.approx(place, abs=1) for place in there)
        assert page.evaluate(INK, [each["x"], each["y"], 8]) > 0
    for one, other in combinations(texts, 2):
        beside = abs(one["x"] - other["x"]) >= (one["width"] + other["width"]) / 2
        assert beside or abs(one["y"] - other["y"]) >= 12, (one, other)
    page.locator(".map-class", has_text="Names of areas").click()
    assert page.evaluate(WRITTEN) == []
    assert page.evaluate(INK, [texts[0]["x"], texts[0]["y"], 8]) == 0


def test_a_query_and_the_gaps_are_marked_where_they_belong(window: BrowserContext) -> None:
    page = opened(window)
    page.emulate_media(reduced_motion="reduce")
    page.locator(".map-class", has_text="Names of areas").click()
    with page.expect_response("**/map/gaps/*") as answer:
        page.locator(".map-class", has_text="Unanswered searches").click()
    [gap] = answer.value.json()["gaps"]
    listed = page.locator("#map-gap-list button")
    expect(listed).to_contain_text("welder")
    x, y = page.evaluate(ON_SCREEN, [gap["x"], gap["y"]])
    rim = [(x + 7 * math.cos(turn), y + 7 * math.sin(turn), 1) for turn in range(6)]
    assert page.evaluate(WRITTEN) == []
    assert all(page.evaluate(INK, place) > 0 for place in rim)
    assert page.evaluate(INK, [x, y, 3]) == 0, "hollow"
    listed.focus()
    until(lambda: [each["text"] for each in page.evaluate(WRITTEN)] == ["“welder” · 1×"], seconds=5)
    listed.click()
    surface = page.locator("#map-surface").bounding_box()
    middle = [surface["width"] / 2, surface["height"] / 2] if surface else []
    until(lambda: page.evaluate(ON_SCREEN, [gap["x"], gap["y"]]) == pytest.approx(middle, abs=1), seconds=5)
    listed.blur()
    page.locator(".map-class", has_text="Unanswered searches").click()
    page.locator("#map-q").fill("sourdough bread")
    with page.expect_response("**/map/query/*") as answer:
        page.locator("#map-q").press("Enter")
    placed = answer.value.json()
    expect(page.locator(".map-hits li")).to_have_count(10)
    until(lambda: len(page.evaluate(WRITTEN)) == 1, seconds=5)
    x, y = page.evaluate(ON_SCREEN, [placed["x"], placed["y"]])
    [text] = page.evaluate(WRITTEN)
    assert (text["text"], text["x"]) == ("sourdough bread", pytest.approx(x, abs=1))
    assert 0 < y - text["y"] < 30
    assert page.evaluate(INK, [x, y, 3]) > 30 * 255, "a filled mark"


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
    page.get_by_role("button", name="Switch", exact=True).click()
    expect(page.locator("#map-stage")).to_have_attribute("data-version", "1")
    assert page.evaluate("document.getElementById('map').stage.points.count") == 60
    expect(page.locator("[data-moved] li").first).to_be_visible()
    page.get_by_role("button", name="Switch", exact=True).click()
    expect(page.locator("#map-stage")).to_have_attribute("data-version", "2")
    assert page.evaluate("document.getElementById('map').stage.points.count") == 63
