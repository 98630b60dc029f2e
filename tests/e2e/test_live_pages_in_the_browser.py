"""What pages do when the server, the session or the reader goes away and comes back, and what a log offers."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, expect

from tests.e2e.conftest import signed_in_window
from tests.support import cast, chromium
from tests.support.server import Server, Site, serving

pytestmark = pytest.mark.e2e

MADE = """
from datetime import UTC, datetime
from indexing import runlog, runs
from indexing.models import RebuildRun
from tests.support import cast
now = datetime.now(UTC)
cast.staff(username="rita", superuser=True)
cast.experts(2)
cast.rebuild()
ended = RebuildRun.objects.create(state="failed", started_at=now, finished_at=now, stage="embed", error="No room.")
lines = [runlog.Line(now, "info", "snapshot", f"read {number}") for number in range(500)]
lines += [runlog.Line(now, "info", "embed", f"embedded {number}") for number in range(1000)]
runlog.write(ended.pk, [*lines, runlog.Line(now, "error", "embed", "No room.")])
run = runs.request("full", cast.command_actor())
runlog.write(run.pk, [runlog.Line(now, "info", "snapshot", "read"), runlog.Line(now, "info", "embed", "a lute")])
"""
MORE = """
from datetime import UTC, datetime
from indexing import runlog
from indexing.models import RebuildRun
now = datetime.now(UTC)
runlog.write(
    RebuildRun.objects.active().get().pk,
    [runlog.Line(now, "info", "embed", "a second lute"), runlog.Line(now, "error", "vectors", "No room.")],
)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Site:
    """Version 1 is live, run 2 has failed, run 3 waits: nobody takes it."""
    environment = {"TCS_ENCODER": "tests.support.fakes.HashEncoder", "TCS_WORKER": "external"}
    site = Site.like(migrated, tmp_path_factory.mktemp("site"), environment)
    site.run(MADE)
    return site


@pytest.fixture
def tabs_that_remember(browser: Browser, server: Server, signed_in: StorageState) -> Iterator[BrowserContext]:
    """Of a browser with its memory of pages that were left, which Playwright turns off as a rule."""
    whole = chromium.start_whole(browser.browser_type)
    with signed_in_window(whole, server, signed_in) as tabs:
        yield tabs
    whole.close()


def live(tabs: BrowserContext, path: str = "/admin/index/") -> Page:
    page = tabs.new_page()
    page.goto(path)
    expect(page.locator("#connection")).to_have_text("live")
    return page


def sign_in(page: Page) -> None:
    page.get_by_label("Username").fill("rita")
    page.get_by_label("Password").fill(cast.PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_the_log_is_folded_searched_and_linked_while_it_grows(tabs: BrowserContext, site: Site, server: Server):
    tabs.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
    page = live(tabs)
    heads = page.locator(".log-fold button")
    expect(heads).to_have_text(["Read the directory (1)", "Process profiles (1)"])
    heads.nth(1).press("Enter")
    expect(page.get_by_text("a lute", exact=True)).to_be_hidden()
    page.get_by_label("Find in the log").fill("LUTE")
    expect(page.locator("#log-found")).to_have_text("0 of 1")
    expect(page.locator("#log-first-error")).to_be_hidden()

    site.run(MORE)
    expect(heads).to_have_text(["Read the directory (1)", "Process profiles (2)", "Index by meaning (1)"])
    expect(page.locator("#log-found")).to_have_text("0 of 2")
    expect(page.get_by_text("a second lute")).to_be_hidden()
    page.get_by_label("Find in the log").press("Enter")
    expect(page.locator("#log-found")).to_have_text("1 of 2")
    expect(page.get_by_text("a second lute")).to_be_visible()  # the search unfolds what it finds

    page.locator("#log-first-error").click()
    expect(page.locator(".line.is-chosen")).to_contain_text("No room.")
    page.keyboard.press("ArrowUp")
    expect(page.locator(":focus")).to_have_text(
        page.locator(".line", has_text="a second lute").locator("a").inner_text()
    )
    page.keyboard.press("Enter")
    expect(page.locator(".line.is-chosen")).to_contain_text("a second lute")
    page.get_by_role("button", name="Copy link to line").click()
    expect(page.locator("#log-said")).to_have_text("Link copied")
    assert re.fullmatch(
        rf"{server.url}/admin/index/runs/3/\?line=(\d+)#L\1", page.evaluate("navigator.clipboard.readText()")
    )
    page.get_by_role("button", name="Copy lines").click()
    expect(page.locator("#log-said")).to_contain_text("Lines copied")
    copied = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert re.fullmatch(r"\S+ ERROR   vectors  No room\.", copied[-1])
    assert len(copied) == page.locator(".line").count()


def test_an_anchor_leads_to_its_line_whatever_page_it_is_on(tabs: BrowserContext):
    page = tabs.new_page()
    page.goto("/admin/index/runs/2/#L1200")
    page.wait_for_url("**/runs/2/?line=1200#L1200")
    expect(page.locator(".line.is-chosen")).to_have_attribute("data-seq", "1200")
    expect(page.locator(".line.is-chosen")).to_be_in_viewport()
    page.goto("/admin/index/runs/2/")
    page.locator("#log-first-error").click()
    expect(page.locator(".line.is-chosen")).to_contain_text("No room.")
    expect(page.locator(".line.is-chosen")).to_be_in_viewport()


def test_what_was_typed_is_there_again_after_signing_in(tabs: BrowserContext):
    page = live(tabs)
    page.get_by_role("button", name="Cancel run…").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("It began too early.")
    tabs.clear_cookies(name="sessionid")
    page.get_by_role("dialog").get_by_role("button", name="Cancel run").click()
    sign_in(page)
    expect(page.get_by_role("dialog").get_by_label("Reason")).to_have_value("It began too early.")
    expect(page.locator("#content")).to_contain_text("What you typed before you were signed out is back")

    page.goto("/admin/experts/expert/1/change/")
    page.get_by_label("Bio").fill("Builds lutes.")
    tabs.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Save", exact=True).click()
    sign_in(page)
    expect(page.get_by_label("Bio")).to_have_value("Builds lutes.")
    tabs.clear_cookies(name="sessionid")
    other = tabs.new_page()
    other.goto("/admin/")
    sign_in(other)  # its page has another token now
    expect(other.get_by_role("link", name="Change password")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("was changed successfully")
    page.goto("/admin/experts/expert/1/change/")
    expect(page.locator("#content")).not_to_contain_text("What you typed before")
    expect(page.get_by_label("Bio")).to_have_value("Builds lutes.")


def test_a_search_that_ends_at_the_sign_in_page_goes_on_with_the_last_words(tabs: BrowserContext, server: Server):
    server.wait_until_ready()
    page = tabs.new_page()
    page.goto("/?q=lute")
    tabs.clear_cookies(name="sessionid")
    nothing = {"suggestions": []}
    page.route(re.compile("/api/"), lambda route: route.fulfill(json=nothing))  # not a 401 in the console
    page.locator("#q").fill("who builds lutes")
    sign_in(page)
    expect(page.locator("#q")).to_have_value("who builds lutes")


def test_the_way_back_is_quick_where_it_may_be_and_true_everywhere(
    tabs_that_remember: BrowserContext, server: Server
):
    server.wait_until_ready()
    page = tabs_that_remember.new_page()
    tabs_that_remember.clear_cookies(name="sessionid")  # one to end; the other tests share theirs
    page.goto("/admin/")
    sign_in(page)
    expect(page.get_by_role("link", name="Change password")).to_be_visible()
    page.add_init_script("addEventListener('pageshow', (event) => { window.kept = event.persisted; });")
    page.goto("/?q=lute")
    page.goto("/admin/experts/")
    page.go_back(wait_until="commit")
    page.wait_for_function("window.kept === true")
    expect(page.locator("#q")).to_have_value("lute")
    page.goto("/admin/index/")
    expect(page.locator("#connection")).to_have_text("live")
    page.goto("/admin/experts/")
    page.go_back(wait_until="commit")
    expect(page.locator("#connection")).to_have_text("live")
    page.go_back(wait_until="commit")
    expect(page.locator("#q")).to_have_value("lute")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/")
    page.go_back(wait_until="commit")
    page.wait_for_url("**/sign-in/?next=**")


def test_a_server_that_says_nothing_is_noticed_and_nothing_is_offered_meanwhile(tabs: BrowserContext, server: Server):
    """Stopped as a network that is gone: no connection ends."""
    page = live(tabs)
    away, cancel = page.locator("#server-away"), page.get_by_role("button", name="Cancel run…")
    server.process.send_signal(signal.SIGSTOP)
    try:
        expect(away).to_contain_text(re.compile(r"No contact with the server since \d\d:\d\d:\d\d\."))
        expect(cancel).to_have_attribute("aria-disabled", "true")
        cancel.click(force=True)
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.locator("#connection")).to_have_text("connecting…")  # after a while it gives the socket up
    finally:
        server.process.send_signal(signal.SIGCONT)
    expect(away).to_be_hidden()
    expect(cancel).not_to_have_attribute("aria-disabled", "true")
    expect(page.locator("#connection")).to_have_text("live")
    cancel.click()
    expect(page.get_by_role("dialog")).to_be_visible()


def test_a_server_that_ends_and_starts_again_leaves_no_trace(tabs: BrowserContext, site: Site, server: Server):
    """Last: the server is another one afterwards. That nothing was written to the console, `tabs` asserts."""
    page, other = live(tabs), tabs.new_page()
    heard: list[object] = []
    other.on("websocket", lambda wire: wire.on("framereceived", lambda frame: heard.append(frame)))
    other.goto("/admin/experts/expert/1/change/")
    other.get_by_label("Bio").fill("Half a sen")
    while not heard:  # a socket that is just being opened would complain
        other.wait_for_timeout(50)
    server.process.kill()
    server.process.wait()
    for each in (page, other):
        expect(each.locator("#server-away")).to_be_visible()
    with serving(site, port=server.port):
        for each in (page, other):
            expect(each.locator("#server-away")).to_be_hidden()
        expect(page.locator("#connection")).to_have_text("live")
        expect(other.get_by_label("Bio")).to_have_value("Half a sen")
        page.close()
        other.close()
