"""The search box's suggestions with the keyboard, and filters that follow a click, in a browser."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, Page, expect

from tests.support.server import Server


def opened(tabs: BrowserContext) -> Page:
    page = tabs.new_page()
    page.goto("/")
    return page


def test_suggestions_are_chosen_with_the_keyboard(indexed: Server, tabs: BrowserContext) -> None:
    page = opened(tabs)
    box = page.get_by_role("combobox", name="What are you looking for?")
    options = page.get_by_role("listbox", name="Suggestions").get_by_role("option")
    box.fill(
        "eng"
    )  # at once: typed slowly, "en" is requested too, and its response is replaced while a key is pressed
    expect(options.first).to_be_visible()
    expect(box).to_have_attribute("aria-expanded", "true")
    box.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", "suggestion-0")
    box.press("ArrowUp")
    expect(options.first).to_have_attribute("aria-selected", "false")
    box.press("Escape")
    expect(options.first).to_be_hidden()
    expect(box).to_have_value("eng")
    box.press("Alt+ArrowDown")
    expect(options.first).to_be_visible()
    box.press("ArrowDown")
    chosen = options.first.locator(".suggested").inner_text()
    box.press("Enter")
    expect(box).to_have_value(chosen)
    expect(options.first).to_be_hidden()
    expect(page.locator(".expert").first).to_be_visible()
    box.fill("engineering")
    tag = page.locator("#suggestions [data-filter=tag]").first
    chosen = tag.locator(".suggested").inner_text()
    tag.click()
    expect(page.locator(".chip")).to_contain_text(chosen)
    expect(page).to_have_url(re.compile(r"[?&]tag="))


def test_a_click_on_a_filter_changes_results_counts_and_address(indexed: Server, tabs: BrowserContext) -> None:
    page = opened(tabs)
    page.locator("#q").fill("software engineer")
    value = page.locator("#facets label.value").first
    expect(value).to_be_visible()
    name, count = value.locator(".value-name").inner_text(), int(value.locator(".count").inner_text())
    value.click()
    chip = page.locator(".chip")
    expect(chip).to_contain_text(name)
    expect(page.get_by_label(name).first).to_be_checked()
    expect(page.locator("#results .expert")).to_have_count(min(count, 20))
    page.reload()  # what is in the address is all there is to it
    expect(chip).to_contain_text(name)
    expect(page.locator("#results .expert")).to_have_count(min(count, 20))
    chip.click()
    expect(page.locator(".chip")).to_have_count(0)
    expect(page.locator("#q")).to_have_value("software engineer")


def test_a_result_that_does_not_fit_is_noted_in_its_place(indexed: Server, tabs: BrowserContext) -> None:
    page = opened(tabs)
    page.goto("/?q=software engineer&mode=keyword")
    first, offered = page.locator("#results .expert").first, page.get_by_role("button", name="Not a match")
    many = offered.count()
    assert many > 5
    first.get_by_role("button", name="Not a match").click()
    expect(first.get_by_role("status")).to_have_text("Noted, thank you.")
    expect(offered).to_have_count(many - 1)
    expect(page).to_have_url(re.compile(r"\?q=software"))
