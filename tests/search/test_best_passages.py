"""The passage that a hit was found by: on the hit, in the API, on the page and in the Lab."""

from __future__ import annotations

import pytest
from django.urls import reverse

from experts.models import Expert
from indexing.search import Hit, Mode, search
from indexing.search.highlights import EXCERPT
from indexing.serving import live
from tests.support import cast

pytestmark = pytest.mark.django_db(transaction=True)

QUERY = "who restores harpsichords and tunes them"
LATER = "Since then has restored harpsichords, tunes them, and lends a few. " * 6
OPENING = "Grew up on an island."
BIO = (
    f"{OPENING} "
    + "Began as a bricklayer, went to sea, came back to lay tiles and bricks. " * 14
    + LATER
    + "Likes tea. " * 40
)


@pytest.fixture
def rich(client) -> Expert:
    client.force_login(cast.staff("indexing.view"))
    rich = cast.experts(6)[3]
    Expert.objects.filter(pk=rich.pk).update(bio=BIO)
    cast.published_again()
    return Expert.objects.get(pk=rich.pk)


def hit_of(expert: Expert, mode: Mode = Mode.HYBRID) -> Hit:
    return next(hit for hit in search(QUERY, live.current(), 6, mode).hits if hit.expert == expert)


def test_a_hit_has_the_passage_unless_it_is_short_or_found_by_words_only(rich):
    start, length = hit_of(rich).passage
    assert "restored harpsichords" in BIO[start : start + length]
    assert length < 600
    assert hit_of(rich, Mode.SEMANTIC).passage == (start, length)
    assert hit_of(rich, Mode.KEYWORD).passage is None
    others = [hit for hit in search(QUERY, live.current(), 6).hits if hit.expert != rich]
    assert others
    assert {hit.passage for hit in others} == {None}


def test_a_bio_that_changed_since_shows_no_passage(rich):
    Expert.objects.filter(pk=rich.pk).update(job_title="Tiler")
    assert hit_of(rich).passage is not None
    Expert.objects.filter(pk=rich.pk).update(bio=BIO.replace("sea", "the sea"))
    assert hit_of(rich).passage is None


def test_the_api_gives_its_text_and_place(client, rich):
    hits = client.get("/api/search", {"q": QUERY, "k": 6}).json()["hits"]
    for hit in hits:
        excerpt = hit["excerpt"]
        assert hit["expert"]["bio"][excerpt["offset"] :][: excerpt["length"]] == excerpt["text"]
    best = hits[0]
    assert best["expert"]["id"] == rich.pk
    assert (best["excerpt"]["offset"], best["excerpt"]["length"]) == hit_of(rich).passage
    assert "<mark>harpsichords</mark>" in best["highlights"]["bio"]
    words = client.get("/api/search", {"q": QUERY, "mode": "keyword"}).json()["hits"][0]
    assert words["excerpt"]["length"] <= EXCERPT
    assert "harpsichords" in words["excerpt"]["text"]


@pytest.mark.parametrize("page", ["search", "index:lab"])
def test_pages_show_it_with_the_words_marked(client, rich, page):
    shown = client.get(reverse(page), {"q": QUERY}).content.decode()
    start, length = hit_of(rich).passage
    assert "<mark>harpsichords</mark>, <mark>tunes</mark>" in shown
    assert hit_of(rich).passage[0] > 0
    assert OPENING not in shown
