"""Every page, for people who cannot see it well, have a small screen, zoom in, use keys only, or read Dutch."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests import cast
from tests.e2e import looking
from tests.permission_table import TABLE
from tests.server import Server, Site, serving

pytestmark = pytest.mark.e2e

MADE = """
import json
from django.conf import settings
from experts.models import Tag
from tests import cast
from tests.security_cast import one_of_everything
cast.staff(username="rita", superuser=True)
settings.TCS_APPROVE = "never"
Tag.objects.exclude(pk__in=list(Tag.objects.values_list("pk", flat=True)[:8])).delete()  # 76 take long to look at
scene = one_of_everything(settings)
print(json.dumps(scene))
"""
LIKE_ANOTHER = (
    "/admin/axes/", "/admin/auth/group/", "/history/", "/delete/", "/add/", "/admin/indexing/notification/",
    "/admin/indexing/apitoken/{", "/admin/indexing/savedquery/", "/admin/experts/$", "/done/", "/retag/", "/discard/",
    "/versions/pin/", "/unpin/", "/release/",
)  # fmt: skip
"""Of each of these templates another page is looked at; TCS_TEST_EVERY_PAGE=1 looks at all."""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Site:
    """One of everything; a run waits, so every header has something to show."""
    return Site(
        tmp_path_factory.mktemp("site"),
        {"TCS_ENCODER": "tests.fakes.HashEncoder", "TCS_WORKER": "external", "TCS_APPROVE": "always"},
    )


@pytest.fixture(scope="module")
def scene(site: Site) -> dict[str, Any]:
    site.manage("migrate", "--verbosity", "0")
    said: dict[str, Any] = json.loads(site.run(MADE).splitlines()[-1])
    return said


@pytest.fixture(scope="module")
def server(site: Site, scene: dict[str, Any]) -> Iterator[Server]:
    with serving(site) as server:
        server.wait_until_ready()
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
    page.locator("#id_username").fill("rita")
    page.locator("#id_password").fill(cast.PASSWORD)
    page.locator("#id_password").press("Enter")
    page.wait_for_url("**/admin/")
    page.close()
    yield context
    context.close()


def addresses(scene: dict[str, Any]) -> list[str]:
    rows = [row for row in TABLE if row.get == 200 and row.door in ("console", "admin")]
    like = () if os.environ.get("TCS_TEST_EVERY_PAGE") else LIKE_ANOTHER
    paths = [row.path for row in rows if not any(part in f"{row.path}$" for part in like)]
    more = [
        "/", "/?q=zzqqxx&mode=keyword", "/nothing", "/admin/index/runs/1/",
        "/admin/experts/expert/{expert}/delete/", "/admin/experts/tag/?q=zzqqxx",
    ]  # fmt: skip
    return [path.format(**scene) for path in [*paths, *more] if not path.endswith((".txt", "jsi18n/"))]


def test_no_page_is_hard_to_see_or_to_reach(window: BrowserContext, scene: dict[str, Any]):
    """axe-core in light and dark, a phone and 200 %, in Dutch, whose words are longer."""
    page = window.new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    found, looked_at = [], 0
    for path in addresses(scene):
        schemes = ("light", "dark") if looked_at % 2 == 0 else ("dark", "light")
        answer = page.goto(path)
        if "text/html" not in answer.headers["content-type"]:
            continue
        found += [f"{path}: {each}" for each in looking.faults(page, "main" if looked_at else "html", schemes)]
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


def test_the_end_of_a_run_is_told_on_every_page_and_by_the_browser_to_who_asked(
    window: BrowserContext, scene: dict[str, Any], site: Site
):
    """Last: it ends the run that the other tests look at."""
    window.grant_permissions(["notifications"])
    other, page = window.new_page(), window.new_page()
    page.add_init_script("""
      window.shown = [];
      window.Notification = class extends Notification {
        constructor(title, options) { super(title, options); window.shown.push([title, options.body, options.tag]); }
      };
      document.hasFocus = () => false; // Playwright's pages all say that they have the focus
    """)
    other.goto("/admin/experts/expert/")
    page.goto("/admin/password_change/")
    expect(page.locator("#header-run")).to_contain_text("In de rij", use_inner_text=True)
    expect(page.locator("#run-bell")).to_have_attribute("aria-pressed", "false")
    page.locator("#run-bell").click()
    expect(page.locator("#run-bell")).to_have_attribute("aria-pressed", "true")
    site.run(f"from indexing import runs; from tests import cast; runs.cancel({scene['run']}, cast.command_actor())")
    for each in (other, page):
        expect(each.locator("#run-notice")).to_contain_text(re.compile("afgebroken"))
        expect(each.locator("#run-notice")).to_contain_text("Zoeken werkt door, uit versie")
        expect(each.locator("#header-run")).to_be_empty()
    [(title, body, tag)] = page.evaluate("window.shown")
    assert tag == f"tcs-run-{scene['run']}"
    assert title == f"Run {scene['run']}: afgebroken"
    assert "Zoeken werkt door" in body
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
