"""People without staff status: one signs in with a provider, searches, shares a shortlist; another opens it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.e2e import looking
from tests.e2e.one_of_everything import ready
from tests.support import cast, oidc_provider
from tests.support.server import Server, Site

pytestmark = pytest.mark.e2e

GIVEN_UP = ("htmx:sendAbort", "htmx:afterRequest")
"""What HTMX reports of a request that a newer one replaces."""
MADE = """
from experts.models import Expert
from tests.support import cast
cast.experts(45)
Expert.objects.filter(username="expert-001").update(first_name="Ada", last_name="Miller", email="ada@example.org")
cast.published_again()
cast.searcher("ben")
"""


@pytest.fixture(scope="module")
def provider() -> Iterator[oidc_provider.Provider]:
    with oidc_provider.running() as provider:
        provider.knows("7", email="ann@example.org", email_verified=True, given_name="Ann", family_name="Lee")
        yield provider


@pytest.fixture(scope="module")
def site(tmp_path_factory, migrated: Path, provider: oidc_provider.Provider) -> Site:
    given = {
        "TCS_ENCODER": "tests.support.fakes.HashEncoder",
        "TCS_OIDC_ISSUER": provider.issuer,
        "TCS_OIDC_CLIENT_ID": "tcs",
        "TCS_OIDC_CLIENT_SECRET": "secret",
        "TCS_OIDC_NAME": "Example",
    }
    site = Site.like(migrated, tmp_path_factory.mktemp("site"), given)
    site.run(MADE)
    return site


@pytest.fixture(scope="module")
def server(site: Site) -> Iterator[Server]:
    with ready(site) as server:
        yield server


class Way:
    """A window of one person, and what was wrong with the pages of the way."""

    def __init__(self, context: BrowserContext, found: list[str]) -> None:
        self.page: Page = context.new_page()
        self.found = found

    def look(self, name: str) -> None:
        """With axe-core in light and dark, on a phone and at 200 %. Afterwards the page is loaded again."""
        self.found += [f"{name}: {each}" for each in looking.faults(self.page)]
        if self.page.locator("a[href^='/admin/']").count():
            self.found.append(f"{name}: leads to the admin")
        self.page.emulate_media(color_scheme="light")
        self.page.reload()


def test_a_searcher_signs_in_finds_somebody_and_shares_a_shortlist(browser: Browser, server: Server):
    found: list[str] = []

    def heard(said: ConsoleMessage) -> None:
        ours = said.location["url"].startswith(server.url) and not said.text.startswith(GIVEN_UP)
        if said.type == "error" and ours:
            found.append(said.text)

    def window() -> BrowserContext:
        context = browser.new_context(base_url=server.url, locale="en-GB", reduced_motion="reduce")
        context.on("console", heard)
        context.on("weberror", lambda error: found.append(str(error.error)))
        return context

    with window() as of_ann, window() as of_ben, window() as of_a_stranger:
        ann, ben, stranger = (Way(each, found) for each in (of_ann, of_ben, of_a_stranger))
        link = ann_makes_and_shares_a_shortlist(ann)
        ann_browses_and_comes_back(ann)
        ben_opens_it(ben)
        stranger.page.goto(link)
        expect(stranger.page.get_by_role("heading", name="Ada Miller")).to_be_visible()
        expect(stranger.page.get_by_text("ada@example.org")).to_have_count(0)
        stranger.look("the page behind the link")
    assert not found, "\n".join(["", *found])


def ann_makes_and_shares_a_shortlist(ann: Way) -> str:
    """Returns the read-only link."""
    page = ann.page
    page.goto("/")
    page.wait_for_url("**/accounts/sign-in/**")
    ann.look("the page to sign in")
    page.get_by_role("link", name="Sign in with Example").click()
    page.locator("input[name=sub]").fill("7")
    page.get_by_role("button", name="Authorize").click()
    page.wait_for_url(lambda address: address.endswith("/"))
    page.locator("#q").fill("Ada Miller")
    page.locator("#q").press("Enter")
    name = page.locator("#results").get_by_role("link", name="Ada Miller").first
    expect(name).to_be_visible()
    ann.look("the results")
    name.click()
    expect(page.get_by_role("heading", name="Ada Miller", level=1)).to_be_visible()
    ann.look("the profile")
    jump_to_ada(page)
    star = page.locator(".profile-actions .star")
    star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    page.get_by_role("link", name="Shortlists").first.click()
    page.wait_for_url("**/shortlists/")
    ann.look("the shortlists")
    page.locator(".lists a").first.click()
    page.get_by_label("With a colleague (username)").fill("ben")
    page.get_by_role("button", name="Share", exact=True).click()
    expect(page.locator(".lists", has_text="ben")).to_be_visible()
    page.get_by_role("button", name="Make link").click()
    link = page.locator(".sharing .lists a").first
    expect(link).to_be_visible()
    ann.look("the shortlist")
    assert page.request.get("/admin/").status == 403
    return link.get_attribute("href") or ""


def jump_to_ada(page: Page) -> None:
    """By keys alone, from a page without a search box: “/” leads to the search, Ctrl+K to somebody by name."""
    page.goto("/shortlists/")
    page.keyboard.press("Control+k")
    page.keyboard.type("mill")
    expect(page.locator("#jump-places a").first).to_contain_text("Ada Miller")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/experts/expert-001/")
    page.keyboard.press("/")
    page.wait_for_url(lambda address: address.endswith("/") and "/experts/" not in address)
    page.go_back()
    expect(page.get_by_role("heading", name="Ada Miller", level=1)).to_be_visible()


def ann_browses_and_comes_back(ann: Way) -> None:
    """Everybody is shown in two steps; Back from a profile leads to the same place of the same list."""
    page = ann.page
    page.goto("/experts/")
    people = page.locator("li.expert")
    expect(people).to_have_count(40)
    page.get_by_role("link", name="Show more").click()
    expect(people).to_have_count(45)
    last = people.last.locator(".expert-head a")
    last.scroll_into_view_if_needed()
    place = page.evaluate("scrollY")
    last.click()
    page.wait_for_url("**/experts/expert-**")
    page.go_back()
    expect(people).to_have_count(45)
    page.wait_for_function("place => Math.abs(scrollY - place) < 200", arg=place)


def ben_opens_it(ben: Way) -> None:
    page = ben.page
    page.goto("/shortlists/")
    page.get_by_label("Username").fill("ben")
    page.get_by_label("Password").fill(cast.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/shortlists/")
    page.get_by_role("heading", name="Shared with you").wait_for()
    page.locator(".lists a").first.click()
    expect(page.get_by_role("link", name="Ada Miller").first).to_be_visible()
    expect(page.get_by_role("button", name="Share", exact=True)).to_have_count(0)
    ben.look("the shortlist of a colleague")
