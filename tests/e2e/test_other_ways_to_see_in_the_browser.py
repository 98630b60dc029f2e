"""Pages by keyboard, in colours that the system sets, on paper, on a phone and at the width of a tablet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e import looking
from tests.e2e.one_of_everything import empty_site, filled, ready, sign_in
from tests.support.server import Server, Site

pytestmark = pytest.mark.e2e

MADE = """
import json
from django.conf import settings
from experts.models import Expert, Shortlist, ShortlistEntry
from experts.shortlists import changes
from indexing import runlog
from indexing.models import RebuildRun
from tests.support import cast
from tests.support.security_cast import one_of_everything
rita = cast.staff(username="rita", superuser=True)
settings.TCS_APPROVE = "never"
scene = one_of_everything(settings)
ended = RebuildRun.objects.filter(finished_at__isnull=False).order_by("pk")[0]
for level in ("debug", "info", "warning", "error", "critical"):
    runlog.append(ended.pk, "A line at this level, about something that happened", level=level)
scene["ended"] = ended.pk
for each in Expert.objects.active()[:2]:
    changes.star(rita, each)
scene["own"] = Shortlist.objects.get(owner=rita).pk
ShortlistEntry.objects.update(note="Calls back on Monday")
chosen = Shortlist.objects.get(owner=rita).entries.values_list("pk", flat=True)
scene["compare"] = "&".join(f"expert={key}" for key in chosen)
print(json.dumps(scene))
"""
BORDERLESS = """() => [...document.querySelectorAll(
    "button, .button, input[type=submit], input[type=button], .solid-button, .quiet-button, .object-tools a")]
  .filter((each) => each.checkVisibility() && !each.matches(".toggle-nav-sidebar"))
  .filter((each) => { const style = getComputedStyle(each);
    return style.borderTopStyle === "none" || parseFloat(style.borderTopWidth) < 1; })
  .map((each) => each.outerHTML.slice(0, 120))"""
CLIPPED = """() => [...document.querySelectorAll("table")].filter((each) => each.checkVisibility())
  .filter((each) => { const frame = each.parentElement;
    return each.scrollWidth > frame.clientWidth + 1
      || each.getBoundingClientRect().right > document.documentElement.clientWidth + 1; })
  .map((each) => `${each.className}: ${each.scrollWidth} in ${each.parentElement.clientWidth}`)"""
PALE = """() => { // text that is not dark on white paper
  const light = (colour) => Math.min(...colour.match(/[0-9.]+/g).slice(0, 3).map(Number)) > 150;
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const each = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !each.checkVisibility() || each.closest("svg, .visually-hidden")) continue;
    if (light(getComputedStyle(each).color)) found.push(each.outerHTML.slice(0, 120));
  }
  return found;
}"""
ONLY_FOR_SCREENS = (
    "#header, .top, #nav-sidebar, .breadcrumbs, button, input[type=submit], .button, #footer, .foot, .filters"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory, migrated: Path) -> Site:
    return empty_site(migrated, tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def scene(site: Site) -> dict[str, Any]:
    return filled(site, MADE)


@pytest.fixture(scope="module")
def server(site: Site, scene: dict[str, Any]) -> Iterator[Server]:
    with ready(site) as server:
        yield server


@pytest.fixture(scope="module")
def window(browser: Browser, server: Server) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=server.url, locale="en-GB", reduced_motion="reduce")
    page = context.new_page()
    page.goto("/admin/")
    sign_in(page)
    page.close()
    yield context
    context.close()


@pytest.fixture
def page(window: BrowserContext) -> Iterator[Page]:
    page = window.new_page()
    yield page
    page.close()


def test_arrows_lead_from_the_box_through_the_cards_and_back(page: Page):
    page.goto("/?q=case")
    box, cards = page.locator("#q"), page.locator("#results .expert")
    expect(box).to_be_focused()
    assert cards.count() > 3
    box.press("ArrowDown")
    expect(cards.nth(0)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(cards.nth(1)).to_be_focused()
    assert page.locator("#results .expert[tabindex='0']").count() == 1
    page.keyboard.press("Tab")
    expect(cards.nth(1).locator("a").first).to_be_focused()
    page.keyboard.press("End")
    expect(cards.last).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(cards.last).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowUp")
    expect(box).to_be_focused()
    box.press("ArrowDown")
    page.keyboard.press("Escape")
    expect(box).to_be_focused()
    expect(box).to_have_value("case")


def test_an_open_list_of_suggestions_keeps_its_arrows(page: Page):
    page.goto("/?q=case")
    box, options = page.locator("#q"), page.locator("#suggestions [role=option]")
    box.fill("erin")
    expect(options.first).to_be_visible()
    box.press("ArrowDown")
    expect(box).to_be_focused()
    expect(options.first).to_have_attribute("aria-selected", "true")
    box.press("Escape")
    expect(options.first).to_be_hidden()
    expect(page.locator("#results .expert").first).to_be_visible()
    box.press("Alt+ArrowDown")
    expect(options.first).to_be_visible()
    box.press("Escape")
    box.press("ArrowDown")
    expect(page.locator("#results .expert").first).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/experts/*/?q=erin")


def test_a_link_skips_to_the_results(page: Page):
    page.goto("/?q=case")
    page.locator(".skip-to-content-link", has_text="Skip to results").press("Enter")
    expect(page.locator("#results")).to_be_focused()


def test_only_the_count_is_replaced_in_the_live_region(page: Page):
    page.goto("/?q=case")
    before = page.locator("#count").element_handle()
    page.locator("#q").fill("zzqqxx")
    page.locator(".modes label", has_text="Keywords").click()
    expect(page.locator("#count")).to_have_text("No experts found")
    assert before.evaluate("(each) => each.isConnected"), "a region that is replaced is not read out"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_level_of_the_log_can_be_read(page: Page, scene: dict[str, Any], scheme: Any):
    page.emulate_media(color_scheme=scheme)
    page.goto(f"/admin/index/runs/{scene['ended']}/")
    for level in ("debug", "info", "warning", "error", "critical"):
        expect(page.locator(f"#log .line[data-level={level}]").first).to_be_attached()
    page.evaluate(looking.COLOURS_SETTLED)
    assert looking.axe(page, looking.COLOURS, "#log") == []


def test_buttons_keep_a_border_in_colours_of_the_system(page: Page):
    page.emulate_media(forced_colors="active")
    versions = "/admin/index/versions/"
    for path in ("/", "/?q=zzqqxx&mode=keyword&tag=x", "/admin/", "/admin/index/", versions, "/api/docs"):
        page.goto(path)
        assert page.evaluate(BORDERLESS) == [], path
    page.emulate_media(forced_colors="none")
    page.goto(versions)
    assert page.evaluate(BORDERLESS) != [], "then the test would see nothing"


def test_on_paper_is_what_was_found_and_nothing_to_press(page: Page, scene: dict[str, Any]):
    page.set_viewport_size({"width": 720, "height": 1000})  # A4 without its margins
    expert, run, kept, live = (scene[name] for name in ("expert", "ended", "kept", "version"))
    for path in (
        "/?q=case",
        "/experts/expert-001/?q=case",
        f"/shortlists/{scene['own']}/",
        f"/shortlists/{scene['own']}/compare/?{scene['compare']}",
        f"/admin/experts/expert/{expert}/change/",
        f"/admin/index/runs/{run}/",
        f"/admin/index/versions/compare/?a={kept}&b={live}",
        "/admin/index/versions/",
    ):
        page.emulate_media(media="screen", color_scheme="dark")
        page.goto(path)
        page.emulate_media(media="print", color_scheme="dark")
        page.evaluate(looking.DRAWN)
        assert [each for each in page.locator(ONLY_FOR_SCREENS).all() if each.is_visible()] == [], path
        assert page.evaluate(PALE) == [], path
        assert page.evaluate(CLIPPED) == [], path
    page.goto(f"/shortlists/{scene['own']}/")
    assert page.locator(".note").first.is_visible(), "on the screen it stands in its form"
    page.emulate_media(media="screen")
    assert not page.locator(".note").first.is_visible()


@pytest.mark.parametrize(
    ("path", "width"),
    [
        ("/admin/index/versions/", 768),
        ("/admin/index/searches/", 768),
        ("/admin/index/", 768),
        ("/admin/experts/expert/", 1024),
    ],
)
def test_tables_fit_beside_the_sidebar_of_a_tablet(page: Page, path: str, width: int):
    page.set_viewport_size({"width": width, "height": 1024})
    for _ in range(2):  # with the sidebar open, and closed
        page.goto(path)
        assert page.evaluate(CLIPPED) == []
        assert page.evaluate(looking.CUT_OFF) == []
        page.locator("#toggle-nav-sidebar").click()


@pytest.mark.parametrize("path", ["/", "/admin/index/versions/"])
def test_a_phone_has_a_menu_without_scripts_too(browser: Browser, window: BrowserContext, server: Server, path: str):
    context = browser.new_context(
        base_url=server.url,
        viewport={"width": 390, "height": 800},
        java_script_enabled=False,
        storage_state=window.storage_state(),
    )
    page = context.new_page()
    page.goto(path)
    menu = page.locator(".phone-menu")
    link = menu.get_by_role("link", name="Versions")
    expect(link).to_be_hidden()
    menu.locator("summary").press("Enter")
    expect(link).to_be_visible()
    link.focus()
    link.press("Enter")
    page.wait_for_url("**/admin/index/versions/")
    context.close()


def test_escape_closes_the_menu_of_a_phone(page: Page):
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/admin/")
    menu = page.locator(".phone-menu")
    menu.locator("summary").press("Enter")
    page.keyboard.press("Tab")
    expect(menu.locator("a").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu.locator("summary")).to_be_focused()
    expect(menu.locator("a").first).to_be_hidden()
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(menu).to_be_hidden()


def test_the_documentation_follows_the_theme_and_takes_a_new_token(page: Page):
    page.emulate_media(color_scheme="dark")
    page.goto("/api/docs")
    expect(page.locator("#swagger-ui .opblock").first).to_be_visible()
    title = page.locator("#swagger-ui .info h1, #swagger-ui .info h2").first
    assert title.evaluate("(each) => getComputedStyle(each).color.match(/[0-9]+/g).every((part) => part > 150)")
    page.locator("#id_name").fill("from the page")
    page.get_by_role("button", name="Create token").click()
    secret = page.locator("#token-secret").input_value()
    expect(page.locator("#swagger-ui .opblock").first).to_be_visible()
    page.locator("#swagger-ui .auth-wrapper .authorize").click()
    expect(page.locator("#swagger-ui .auth-container", has_text="BearerToken")).to_contain_text("Authorized")
    page.locator("#swagger-ui .btn-done").first.click()
    search = page.locator("#swagger-ui .opblock", has_text="/api/suggest")
    search.locator(".opblock-summary-control").click()
    search.get_by_role("button", name="Try it out").click()
    search.locator("input[placeholder=q]").fill("er")
    with page.expect_request("**/api/suggest?q=er") as asked:
        search.get_by_role("button", name="Execute").click()
    assert asked.value.headers["authorization"] == f"Bearer {secret}"
    assert asked.value.response().status == 200
    head = page.request.head("/api/suggest?q=er")  # of a real server
    assert (head.status, head.body()) == (200, b"")
