"""A held version as a person meets it: the report, the candidate in the Lab, the decision, the way back."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.support.server import Site

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def site(tmp_path_factory, migrated) -> Site:
    """Version 1 is live; version 2 lost half of its experts and is held. The model is not what this is about."""
    site = Site.like(migrated, tmp_path_factory.mktemp("site"), {"TCS_ENCODER": "tests.support.fakes.HashEncoder"})
    site.create_staff("rita")
    site.run("from tests.support import cast; cast.experts(20)")
    site.manage("rebuild_index")
    site.run("from experts.models import Expert; Expert.objects.filter(username__lte='expert-010').delete()")
    site.manage("rebuild_index", expect=4)
    return site


def index_page(tabs: BrowserContext) -> Page:
    page = tabs.new_page()
    page.goto("/admin/index/")
    expect(page.locator("#connection")).to_have_text("live")
    return page


def test_a_held_version_is_tried_out_published_and_taken_back(tabs, site):
    page, other = index_page(tabs), index_page(tabs)
    expect(page.locator("#held-version")).to_contain_text("Version 2 was built with 10 experts")
    expect(page.locator("#held-version .verdict-breach")).to_have_count(1)

    page.get_by_role("link", name="Search this version").click()
    page.get_by_role("searchbox", name="What are you looking for?").fill("sourdough bread")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("#lab-results")).to_contain_text("index version 2")
    page.locator("#lab-version").select_option("1")
    expect(page.locator("#lab-results")).not_to_contain_text("index version 2")
    expect(page.locator("#lab-results")).to_contain_text("index version 1")
    page.go_back()

    page.get_by_role("button", name="Publish…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Publish").click()
    expect(dialog).to_be_visible()  # the browser asks for the reason
    dialog.get_by_label("Reason", exact=True).fill("They left the firm.")
    dialog.get_by_role("button", name="Publish").click()
    expect(page.locator("#notice")).to_contain_text("Version 2 is live.")
    for tab in (page, other):
        expect(tab.locator("#held-version")).to_be_empty()
        expect(tab.locator("#live-version .live-figure")).to_have_text("2")
        expect(tab.locator("#live-version")).to_contain_text("1 of 1 server process")
        expect(tab.locator("#run-status .badge")).to_have_text("done")

    page.locator("a.head-link", has_text="Versions").click()
    page.get_by_role("link", name="Roll back…").click()
    expect(page.locator(".effect")).to_contain_text("10 experts deactivated or deleted since then will stay hidden")
    page.get_by_label("Reason", exact=True).fill("It was a mistake after all.")
    page.get_by_role("button", name="Roll back").click()
    for tab in (page, other):
        expect(tab.locator("#schedule-pause")).to_contain_text("It was a mistake after all.")
        expect(tab.locator("#live-version .live-figure")).to_have_text("1")
        expect(tab.locator("#live-version")).to_contain_text("1 of 1 server process")

    other.get_by_role("button", name="Resume…").click()
    other.get_by_role("dialog").get_by_role("button", name="Resume").click()
    for tab in (page, other):
        expect(tab.locator("#schedule-pause")).to_be_empty()


def test_what_would_change_is_worked_out_in_place_until_a_run(tabs, site):
    page = index_page(tabs)
    page.get_by_role("link", name="Preview rebuild").click()
    expect(page.locator("#plan .figures")).to_contain_text("To reuse")
    assert page.url.endswith("/admin/index/")
    site.manage("rebuild_index", "--kind", "tags")
    expect(page.locator("#plan .figures")).to_have_count(0)
    expect(page.locator("#plan")).to_contain_text("Preview rebuild")


def test_what_was_published_is_undone_from_its_notice(tabs, site):
    """Version 1 is live again after the tests above; version 3 lost half of the rest, and is held."""
    site.run("from experts.models import Expert; Expert.objects.filter(username__lte='expert-015').delete()")
    site.manage("rebuild_index", expect=4)
    page, other = index_page(tabs), index_page(tabs)
    page.get_by_role("button", name="Publish…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason", exact=True).fill("They left the firm.")
    dialog.get_by_role("button", name="Publish").click()
    expect(other.locator("#live-version .live-figure")).to_have_text("3")
    page.locator("#notice").get_by_role("button", name="Undo").click()
    expect(page.locator("#notice")).to_contain_text("Undone: version 1 is live again.")
    for tab in (page, other):
        expect(tab.locator("#live-version .live-figure")).to_have_text("1")
        expect(tab.locator("#run-status")).to_contain_text("It was rolled back to version 1")


def test_without_javascript_a_refusal_keeps_what_was_typed(browser, server, site):
    context = browser.new_context(base_url=server.url, locale="en-GB", java_script_enabled=False)
    page = context.new_page()
    page.goto("/admin/index/")
    page.get_by_label("Username").fill("rita")
    page.get_by_label("Password").fill("correct horse battery staple")
    page.get_by_role("button", name="Sign in").click()
    page.goto("/admin/index/versions/rollback/?version=2")
    page.get_by_label("Reason", exact=True).fill("   ")
    page.get_by_role("button", name="Roll back").click()
    expect(page.locator(".errornote")).to_contain_text("Give a reason")
    page.get_by_label("Reason", exact=True).fill("Back to the firm's present.")
    page.get_by_role("button", name="Roll back").click()
    expect(page.locator(".messagelist")).to_contain_text("Rolled back: version 2 is live.")
    expect(page.locator("#schedule-pause")).to_contain_text("Back to the firm's present.")
    context.close()
