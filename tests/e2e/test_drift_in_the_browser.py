"""The line on the front page, who drifted, and the charts, in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.support.server import Server, Site, serving


@pytest.fixture(scope="module")
def site(tmp_path_factory, migrated: Path) -> Site:
    """Sample people under the faked encoder: nothing here is about what search finds."""
    site = Site.like(migrated, tmp_path_factory.mktemp("site"), {"TCS_ENCODER": "tests.support.fakes.HashEncoder"})
    site.manage("load_samples", "--count", "30")
    site.create_staff("rita")
    site.manage("rebuild_index")
    site.manage("load_samples", "--count", "35")
    return site


@pytest.fixture(scope="module")
def server(site: Site) -> Iterator[Server]:
    with serving(site) as server:
        server.wait_until_ready()
        yield server


def test_who_drifted_is_found_while_typing_and_the_charts_are_drawn(tabs: BrowserContext) -> None:
    page = tabs.new_page()
    page.goto("/admin/index/drift/")
    people = page.locator(".drifted > li")
    expect(page.locator(".drift-sentence")).to_contain_text("5 new experts not searchable yet")
    expect(people).to_have_count(5)
    name = people.nth(2).locator(".person a").inner_text()
    page.get_by_label("Search by name").press_sequentially(name)
    expect(people).to_have_count(1)
    expect(people.locator(".person a")).to_have_text(name)
    page.reload()  # what is in the address is all there is to it
    expect(people).to_have_count(1)
    for chart in ("#drift-chart", "#experts-chart"):
        expect(page.locator(f"{chart} canvas")).to_be_visible()
    expect(page.locator("#drift-chart .chart-value").first).to_have_text("5")
    page.goto("/admin/index/charts/")
    for chart in ("#stages-chart", "#runs-experts-chart", "#encoded-chart"):
        expect(page.locator(f"{chart} canvas")).to_be_visible()
    expect(page.locator("#encoded-chart .chart-value").first).to_have_text("30")
    ink = "canvas => { const d = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;"
    ink += " return new Set(Array.from({length: d.length / 4}, (_, i) => d.slice(i * 4, i * 4 + 4).join())).size }"
    assert page.locator("#encoded-chart canvas").evaluate(ink) > 5, "something is drawn, in colours"


def test_the_front_page_asks_and_rebuilds(tabs: BrowserContext) -> None:
    page = tabs.new_page()
    page.goto("/admin/")
    line = page.locator("#index-module")
    expect(line).to_contain_text("Version 1 is live with 30 experts.")
    expect(line).to_contain_text("5 new experts not searchable yet")
    line.get_by_role("button", name="Rebuild index").click()
    dialog = page.get_by_role("dialog", name="Rebuild the index?")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Start rebuild").click()
    expect(page.get_by_role("heading", name="Search index", level=1)).to_be_visible()
    expect(page.locator("#drift .drift-sentence")).to_contain_text("Up to date")
