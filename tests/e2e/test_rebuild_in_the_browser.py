"""What a person does and sees: the real model, a real server, Chromium."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.e2e.conftest import PEOPLE
from tests.support.server import REAL_MODEL, Server, Site

pytestmark = pytest.mark.e2e

RUN = 240_000
"""Milliseconds that a run may take: some 15 s as a rule, but its worker gives way to whatever else a machine does."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, people: Path) -> Site:
    """Nothing built yet."""
    return Site.like(people, tmp_path_factory.mktemp("site"), {"TCS_ENCODER": REAL_MODEL})


def index_page(tabs: BrowserContext) -> Page:
    page = tabs.new_page()
    page.emulate_media(reduced_motion="reduce")  # while a run lasts, drawing what turns takes a tenth of a processor
    page.goto("/admin/index/")
    return page


def badge(page: Page) -> Locator:
    return page.locator("#run-status .badge")


def lines(page: Page) -> Locator:
    return page.locator("#log-view .line")


def rebuild(page: Page, *, everything: bool = False) -> None:
    page.get_by_role("button", name="Rebuild index").click()
    dialog = page.get_by_role("dialog")
    if everything:
        dialog.get_by_label("Recompute every profile (slow)").check()
    dialog.get_by_role("button", name="Start rebuild").click()
    expect(badge(page)).to_have_text(re.compile("queued|running"))


def sequence(page: Page) -> list[int]:
    return [int(seq) for seq in lines(page).evaluate_all("all => all.map(line => line.dataset.seq)")]


def test_a_rebuild_is_watched_in_two_tabs_and_a_reload_in_mid_run_leaves_no_gap(tabs, site):
    """From the first line to the new version, without a line missing or twice."""
    page, undisturbed = index_page(tabs), index_page(tabs)
    before = page.locator("#status-run-link").all_text_contents()
    rebuild(page, everything=True)
    for tab in (page, undisturbed):
        expect(lines(tab).first).to_be_visible()
        expect(page.get_by_role("button", name="Rebuild index")).to_be_disabled()
    # in mid-run: the longest stage has begun and has not ended
    expect(page.locator(".step-current .step-label")).to_have_text("Process profiles", timeout=RUN)
    page.reload()
    expect(badge(page)).to_have_text(re.compile("running|done"))  # where a page takes longer than a run
    for tab in (page, undisturbed):
        expect(badge(tab)).to_have_text("done", timeout=RUN)
        assert tab.locator("#status-run-link").all_text_contents() != before
        expect(tab.locator("#live-version")).to_contain_text(f"{PEOPLE} experts")
        expect(tab.locator("#live-version time[data-relative]")).to_contain_text(
            re.compile("second|moment|now|minute")
        )
        expect(tab.locator("#run-status")).to_contain_text("took")
        expect(tab.locator("#live-version")).to_contain_text("1 of 1 server process")
        expect(tab.get_by_role("button", name="Rebuild index")).to_be_enabled()
        expect(tab.locator("#log-view")).to_contain_text("encoded")
        expect(tab.locator("#log-view")).to_contain_text("is live with")
    link = page.locator("#status-run-link").get_attribute("href")
    stored = [line for line in tabs.request.get(f"{link}log.txt").text().splitlines() if line[:2] == "20"]
    for tab in (page, undisturbed):
        seen = sequence(tab)  # once: the line about the map may come at any moment
        assert seen == list(range(1, len(seen) + 1))
        assert len(seen) <= len(stored)
        for text, line in zip(lines(tab).locator(".line-message").all_text_contents(), stored, strict=False):
            assert line.split(maxsplit=3)[3] in text  # after time, level and stage


def test_a_search_finds_a_new_expert_only_after_a_rebuild(tabs, site, indexed):
    site.run(
        "from experts.models import Expert\n"
        "Expert.objects.create(username='zelda', first_name='Zelda', last_name='Quirke', job_title='Lute maker',"
        " bio='Builds and restores baroque lutes and theorbos of spruce and yew.')"
    )
    page = tabs.new_page()
    page.goto("/")
    words = page.get_by_label("What are you looking for?")
    words.fill("who restores baroque lutes")
    expect(page.get_by_text("index version")).to_be_visible()
    expect(page.locator("#results")).not_to_contain_text("Zelda Quirke")

    index = index_page(tabs)
    run = index.locator("#status-run-link").text_content()
    rebuild(index)
    expect(index.locator("#status-run-link")).not_to_have_text(run or "")
    expect(badge(index)).to_have_text("done", timeout=RUN)
    expect(index.locator("#live-version")).to_contain_text("1 of 1 server process")

    words.fill("somebody who restores a baroque lute")
    expect(page.locator("#results .expert").first).to_contain_text("Zelda Quirke")


def test_a_run_that_a_command_started_is_seen_in_the_page(tabs, site: Site, indexed: Server):
    page = index_page(tabs)
    last = page.locator("#status-run-link").text_content() or ""
    with ThreadPoolExecutor(1) as beside:
        command = beside.submit(site.manage, "rebuild_index")
        expect(page.locator("#status-run-link")).not_to_have_text(last, timeout=RUN)
        command.result()
    expect(badge(page)).to_have_text("done", timeout=RUN)
    expect(page.locator("#run-status")).to_contain_text("command")
    expect(page.locator("#history tbody tr").first).to_contain_text("command")
    expect(page.locator("#log-view")).to_contain_text("is live with")


def test_the_documentation_of_the_api_shows_under_the_strict_csp(tabs):
    page = tabs.new_page()
    page.goto("/api/docs")
    expect(page.get_by_text("/api/admin/ingest/run", exact=True)).to_be_visible()
