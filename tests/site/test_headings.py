"""Headings of every page, and what a screen reader says by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client

from tests.support import cast
from tests.support.html_reading import Element, parse_html
from tests.support.permission_table import TABLE
from tests.support.security_cast import one_of_everything

pytestmark = pytest.mark.django_db(transaction=True)

MORE = ("/", "/?q=zzqqxx&mode=keyword", "/?q=bread&rate_min=5&rate_max=4&currency=EUR", "/nothing", "/admin/nothing")
LEVELS = {f"h{level}": level for level in range(1, 7)}
ASIDE = ("dialog", "template", "noscript")
"""What is in these is not on the page until it is opened, and then it is all there is."""


def headings(element: Element) -> Iterator[tuple[int, str]]:
    if element.tag in LEVELS:
        yield LEVELS[element.tag], " ".join(element.text.split())
    for child in element.children:
        if child.tag not in ASIDE:
            yield from headings(child)


def faults(page: Element) -> list[str]:
    found = list(headings(page))
    first = sum(level == 1 for level, _ in found)
    wrong = [f"{first} h1"] if first != 1 else []
    for (before, _), (level, text) in zip([(0, ""), *found], found, strict=False):
        if level > before + 1:
            wrong.append(f"h{level} “{text}” after h{before}")
    return wrong


def test_levels_of_headings_do_not_jump_on_any_page(settings):
    scene = one_of_everything(settings)
    root, nobody = Client(raise_request_exception=False), Client()
    root.force_login(cast.staff(superuser=True))
    paths = [row.path for row in TABLE if row.get == 200 and row.door in ("console", "admin", "open")]
    found, looked_at = [], 0
    for path in (each.format(**scene) for each in [*paths, *MORE]):
        answer = root.get(path)
        page = answer.content.decode() if answer["Content-Type"].startswith("text/html") else ""
        if "<html" not in page:  # a file, or a part of a page
            continue
        looked_at += 1
        found += [f"{path}: {each}" for each in faults(parse_html(page))]
    found += [f"to sign in: {each}" for each in faults(parse_html(nobody.get("/admin/login/").content.decode()))]
    assert looked_at > 40
    assert not found, "\n".join(["", *found])


def test_a_jump_would_be_seen():
    assert faults(parse_html("<h1>a</h1><h3>b</h3>")) == ["h3 “b” after h1"]
    assert faults(parse_html("<h2>a</h2><h1>b</h1>")) == ["h2 “a” after h0"]
    assert faults(parse_html("<h1>a</h1><h1>b</h1>")) == ["2 h1"]
    assert faults(parse_html("<p>a</p>")) == ["0 h1"]


def live(page: Element) -> list[Element]:
    return [
        each
        for each in page.walk()
        if each.attributes.get("aria-live") or each.attributes.get("role") in ("status", "alert", "log")
    ]


@pytest.mark.parametrize(
    "address", ["/?q=case", "/?q=zzqqxx&mode=keyword", "/?q=case&rate_min=5&rate_max=4&currency=EUR"]
)
def test_of_a_search_only_the_line_with_the_count_is_read_out(client, address):
    cast.published(8)
    client.force_login(cast.staff())
    page = parse_html(client.get(address).content.decode())
    said = {each.attributes.get("id"): " ".join(each.text.split()) for each in live(page)}
    assert set(said) == {"count", "search-failed"}
    assert 0 < len(said["count"]) < 60
    hidden = [each for each in live(page) if each.attributes["id"] == "search-failed"]
    assert "hidden" in hidden[0].attributes
    answer = parse_html(client.get(address, headers={"HX-Request": "true"}).content.decode())
    counts = [each for each in answer.walk() if each.attributes.get("id") == "count"]
    assert [" ".join(each.text.split()) for each in counts] == [said["count"]]
    assert not live(answer)
