"""Every page, for people who cannot see it well, have a small screen, zoom in, use keys only, or read Dutch."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from tests.e2e import looking, tabbing
from tests.e2e.one_of_everything import empty_site, filled, ready, sign_in
from tests.support import chromium
from tests.support.permission_table import TABLE
from tests.support.server import Server, Site

pytestmark = pytest.mark.e2e

MADE = """
import json
from django.conf import settings
from experts.models import Tag
from tests.support import cast, map_cast
from tests.support.security_cast import one_of_everything
cast.staff(username="rita", superuser=True)
settings.TCS_APPROVE = "never"
Tag.objects.exclude(pk__in=list(Tag.objects.values_list("pk", flat=True)[:8])).delete()  # 76 take long to look at
scene = one_of_everything(settings)
map_cast.draw(scene["version"], 8)
print(json.dumps(scene))
"""
LIKE_ANOTHER = (
    "/admin/axes/",
    "/admin/auth/group/",
    "/history/",
    "/delete/",
    "/add/",
    "/admin/indexing/notification/",
    "/admin/indexing/apitoken/{",
    "/admin/experts/$",
    "/done/",
    "/retag/",
    "/discard/",
    "/versions/pin/",
    "/unpin/",
    "/release/",
)
"""Of each of these templates another page is looked at; TCS_TEST_EVERY_PAGE=1 looks at all."""

WHOLE = ("/", "/admin/")
"""On these the Tab key leads through header and navigation too, which are the same elsewhere."""

FIELDS = "a[href], button:enabled, input:not([type=hidden]), select, textarea"
OUTSIDE = """() => {
  const { activeElement: at, body } = document;
  // Between the last field and the first lies the browser's own frame.
  return at !== body && !at.closest("dialog:modal");
}"""


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
    width, height = looking.WIDE
    context = browser.new_context(
        base_url=server.url, locale="nl-NL", viewport={"width": width, "height": height}, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto("/admin/")
    assert looking.faults(page) == [], "the page to sign in"
    sign_in(page)
    page.close()
    yield context
    context.close()


@pytest.fixture
def window_with_notifications(browser: Browser, window: BrowserContext, server: Server) -> Iterator[BrowserContext]:
    whole = chromium.start_whole(browser.browser_type)
    context = whole.new_context(
        base_url=server.url, locale="nl-NL", storage_state=window.storage_state(), permissions=["notifications"]
    )
    yield context
    whole.close()


def addresses(scene: dict[str, Any]) -> list[str]:
    rows = [row for row in TABLE if row.get == 200 and row.door in ("console", "admin")]
    like = () if os.environ.get("TCS_TEST_EVERY_PAGE") else LIKE_ANOTHER
    paths = [row.path for row in rows if not any(part in f"{row.path}$" for part in like)]
    more = [
        "/",
        "/?q=zzqqxx&mode=keyword",
        "/nothing",
        "/admin/index/runs/1/",
        "/admin/index/map/?version={kept}",
        "/admin/indexing/searchtest/{searchtest}/change/",
        "/admin/indexing/synonym/{synonym}/change/",
        "/admin/experts/expert/{expert}/delete/",
        "/admin/experts/tag/?q=zzqqxx",
    ]
    files = (".txt", ".csv", ".xlsx", "jsi18n/", "{document}/")
    return [path.format(**scene) for path in [*paths, *more] if not path.endswith(files)]


def test_no_page_is_hard_to_see_or_to_reach(window: BrowserContext, scene: dict[str, Any]):
    """axe-core in light and dark, a phone and 200 %, in Dutch, whose words are longer; and with the Tab key alone."""
    page = window.new_page()
    keys = window.new_cdp_session(page)
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    found, looked_at = [], 0
    for path in addresses(scene):
        schemes = ("light", "dark") if looked_at % 2 == 0 else ("dark", "light")
        try:
            answer = page.goto(path)
        except Error as error:
            assert "Download is starting" in error.message  # noqa: PT017  anything else is a fault
            continue
        if "text/html" not in answer.headers["content-type"] or "<html" not in answer.text():
            continue  # a file, or a part of a page
        found += [f"{path}: {each}" for each in looking.faults(page, "main" if looked_at else "html", schemes)]
        found += [f"{path}: {each}" for each in tabbing.faults(page, keys, "body" if path in WHOLE else "main")]
        found += [f"{path}: {each}" for each in broken]
        broken.clear()
        looked_at += 1
    page.goto("/admin/experts/expert/import/")
    rows = "Username,Bio\nnew,Somebody new\nexpert-001,Another bio\n,Nobody\n"
    page.locator("input[type=file]").set_input_files(
        {"name": "a.csv", "mimeType": "text/csv", "buffer": rows.encode()}
    )
    page.locator("#content-main input[type=submit], #content-main button[type=submit]").first.click()
    page.wait_for_url("**/preview/")
    found += [f"the preview of an import: {each}" for each in looking.faults(page, "main")]
    found += [f"the preview of an import: {each}" for each in tabbing.faults(page, keys)]
    page.close()
    assert looked_at > 30
    assert not found, "\n".join(["", *found])


def test_these_tests_would_see_what_is_wrong(window: BrowserContext):
    page = window.new_page()
    page.goto("/")
    page.evaluate("""() => {
      const bad = document.createElement("div");
      const wide = document.createElement("button");
      wide.className = "wide"; wide.style.width = "1000px";
      const pale = document.createElement("p");
      pale.textContent = "pale"; pale.style.color = "#ddd";
      bad.append(wide, pale);
      document.querySelector("main").append(bad);
    }""")
    found = "\n".join(looking.faults(page))
    for wanted in ("light: color-contrast", "light: button-name", "phone: ", "200 %: "):
        assert wanted in found
    page.close()


def test_the_walk_would_see_what_keys_do_not_reach(window: BrowserContext):
    page = window.new_page()
    page.goto("/nothing")
    page.evaluate("""() => {
      document.querySelector("main").innerHTML = `
        <p class="mouse">x</p> <a href="/" class="left-out" tabindex="-1">x</a> <a href="/" class="ringless">x</a>
        <a href="/" class="covered">x</a> <p class="cover">x</p> <button class="sticky">x</button>`;
      const style = new CSSStyleSheet();
      style.replaceSync(`.mouse { cursor: pointer; } .ringless { outline: none !important; }
        .cover { position: fixed; inset: 0; } .sticky { position: relative; z-index: 1; }`);
      document.adoptedStyleSheets = [style];
      document.querySelector(".sticky").addEventListener("keydown", (event) => event.preventDefault());
    }""")
    found = tabbing.faults(page, window.new_cdp_session(page))
    for wanted in (
        "only for a mouse: p.mouse",
        "Tab does not lead there: a.left-out",
        "its focus cannot be seen: a.ringless",
        "something lies over it: a.covered",
        "the focus does not leave again",
    ):
        assert any(each.startswith(wanted) for each in found), (wanted, found)
    page.close()


def test_keys_lead_everywhere_and_stay_out_of_fields(window: BrowserContext):
    page = window.new_page()
    page.goto("/admin/index/versions/")
    dialog = page.locator("#shortcuts")
    page.keyboard.press("?")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.locator("#shortcuts-button").click()
    expect(dialog).to_be_visible()
    assert looking.axe(page, looking.RULES) == []
    page.keyboard.press("Escape")
    for keys, address in (("gi", "/admin/index/"), ("gl", "/admin/index/lab/"), ("ga", "/admin/"), ("gs", "/")):
        page.keyboard.type(keys)
        page.wait_for_url(f"**{address}")
    box = page.locator("#q")
    expect(box).to_be_focused()
    box.press("g")
    box.press("i")
    box.press("?")
    expect(box).to_have_value("gi?")
    box.blur()
    page.keyboard.press("/")
    expect(box).to_be_focused()
    expect(box).to_have_value("gi?")
    box.blur()
    page.keyboard.press("r")
    page.wait_for_url("**/admin/index/rebuild/")
    page.close()


def test_dialogs_keep_the_focus_and_give_it_back(window: BrowserContext):
    page = window.new_page()
    page.goto("/admin/index/")
    openers = page.locator("form[data-dialog] button:enabled:visible, #shortcuts-button")
    assert openers.count() == 4, "cancel, publish, discard, shortcuts"
    for opener in openers.all():
        opener.focus()
        page.keyboard.press("Enter")
        dialog = page.locator("dialog:modal")
        expect(dialog).to_be_visible()
        expect(dialog.locator(":focus")).to_have_count(1)
        for keys in ["Tab"] * (dialog.locator(FIELDS).count() + 2) + ["Shift+Tab"] * 3:
            page.keyboard.press(keys)
            assert page.evaluate(OUTSIDE) is False
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(opener).to_be_focused()
    page.close()


def test_what_the_socket_brings_again_replaces_nothing(window: BrowserContext):
    page = window.new_page()
    page.add_init_script("""addEventListener("DOMContentLoaded", () => {
      window.first = [...document.querySelectorAll("#actions button, #live-version *")];
    });
    addEventListener("htmx:oobAfterSwap", ({ detail: { target } }) => { document.body.dataset.brought = target.id; });
    """)
    page.goto("/admin/index/")
    expect(page.locator("body[data-brought=history]")).to_be_attached()  # the last
    assert page.evaluate("first.length > 9 && first.every((each) => each.isConnected)")
    page.close()


@pytest.mark.parametrize(("part", "replaced"), [("time[data-relative]", False), (".live-figure", True)])
def test_a_fragment_that_has_only_grown_older_replaces_nothing(window: BrowserContext, part: str, replaced: bool):
    page = window.new_page()
    page.goto("/admin/index/")
    brought = """(part) => {
      const target = document.getElementById("live-version");
      const fragment = target.cloneNode(true);
      fragment.querySelector(part).textContent = "another";
      const detail = { target, fragment, shouldSwap: true };
      document.dispatchEvent(new CustomEvent("htmx:oobBeforeSwap", { detail }));
      return detail.shouldSwap;
    }"""
    assert page.evaluate(brought, part) is replaced
    page.close()


def test_the_focus_outlives_what_the_socket_replaces(window: BrowserContext):
    page = window.new_page()
    page.goto("/admin/index/")
    page.locator("#history a").nth(1).focus()
    brought = """() => {
      const socketWrapper = { send: () => 0 };
      const tell = (name) => document.dispatchEvent(new CustomEvent(`htmx:ws${name}`, { detail: { socketWrapper } }));
      tell("BeforeMessage");
      for (const part of document.querySelectorAll("#history")) part.innerHTML = part.innerHTML;
      tell("AfterMessage");
    }"""
    page.evaluate(brought)
    expect(page.locator("#history a").nth(1)).to_be_focused()
    page.evaluate("document.activeElement.remove()")
    page.locator("#history a").nth(1).focus()
    page.evaluate(brought.replace("part.innerHTML = part.innerHTML", "part.querySelectorAll('a')[1].remove()"))
    expect(page.locator("#history :focus")).to_have_count(1)
    page.close()


def test_keys_can_be_switched_off(window: BrowserContext):
    page = window.new_page()
    page.goto("/admin/")
    page.locator("#shortcuts-button").click()
    page.locator("#shortcuts-on").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_hidden()
    page.locator("#shortcuts-button").click()
    page.locator("#shortcuts-on").check()
    page.close()


def test_the_end_of_a_run_is_announced_on_every_page_and_by_a_notification_if_requested(
    window_with_notifications: BrowserContext, scene: dict[str, Any], site: Site
):
    """Last: it ends the run that the other tests look at."""
    other, page = window_with_notifications.new_page(), window_with_notifications.new_page()
    page.add_init_script("""
      window.shown = [];
      window.Notification = class extends Notification {
        constructor(title, options) { super(title, options); window.shown.push([title, options.body, options.tag]); }
      };
      document.hasFocus = () => false; // Playwright's pages all say that they have the focus
    """)
    other.goto("/admin/experts/expert/")
    page.goto("/admin/password_change/")
    expect(page.locator("#header-run")).to_contain_text("in de rij", use_inner_text=True)
    expect(page.locator("#run-bell")).to_have_attribute("aria-pressed", "false")
    page.locator("#run-bell").click()
    expect(page.locator("#run-bell")).to_have_attribute("aria-pressed", "true")
    cancel = f"runs.cancel({scene['run']}, cast.command_actor())"
    site.run(f"from indexing import runs; from tests.support import cast; {cancel}")
    for each in (other, page):
        expect(each.locator("#run-notice")).to_contain_text(re.compile("afgebroken"))
        expect(each.locator("#run-notice")).to_contain_text("Er wordt nog gezocht in versie")
        expect(each.locator("#header-run")).to_be_empty()
    [(title, body, tag)] = page.evaluate("window.shown")
    assert tag == f"tcs-run-{scene['run']}"
    assert title == f"Run {scene['run']}: afgebroken"
    assert "Er wordt nog gezocht in versie" in body
    assert looking.axe(page, looking.RULES) == []
    page.locator("#run-notice [data-dismiss]").click()
    expect(page.locator("#run-notice")).to_be_empty()


@pytest.fixture
def page_without_scripts(browser: Browser, window: BrowserContext, server: Server) -> Iterator[Page]:
    context = browser.new_context(
        base_url=server.url, java_script_enabled=False, storage_state=window.storage_state()
    )
    yield context.new_page()
    context.close()


def test_without_scripts_nothing_is_offered_that_needs_them(page_without_scripts: Page):
    page_without_scripts.goto("/admin/")
    for name in ("#run-bell", "#shortcuts-button", "#shortcuts"):
        expect(page_without_scripts.locator(name)).to_be_hidden()
