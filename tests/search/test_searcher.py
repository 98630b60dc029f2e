"""Searching: the three modes, the fusion, which experts are found, and what is refused."""

from __future__ import annotations

import math
import threading
from dataclasses import replace

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from experts.models import Expert
from indexing import encoders
from indexing.errors import EmptyQuery, EncoderUnavailable
from indexing.search import MAX_K, Mode, search
from indexing.search import searcher as searching
from indexing.snapshot.reader import Snapshot
from tests.support import cast
from tests.support.fakes import HashEncoder, text_vector
from tests.support.index_cast import built_snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _forget_the_encoder():
    encoders.reset()
    yield
    encoders.reset()


@pytest.fixture
def people() -> list[Expert]:
    return cast.experts(24)


@pytest.fixture
def snapshot(people) -> Snapshot:
    return built_snapshot()


def names(results: searching.Results) -> list[str]:
    return [hit.expert.username for hit in results.hits]


def test_semantic_orders_by_cosine_similarity(snapshot):
    results = search("keeps bees and sells honey", snapshot, 5, Mode.SEMANTIC)
    similarities = snapshot.vectors @ text_vector("keeps bees and sells honey")
    best = snapshot.ids[np.argsort(-similarities)[:5]].tolist()
    assert [hit.expert.pk for hit in results.hits] == best
    assert [hit.score for hit in results.hits] == pytest.approx(sorted(similarities.tolist())[::-1][:5], abs=1e-6)
    assert [(hit.semantic_rank, hit.keyword_rank) for hit in results.hits] == [(rank, None) for rank in range(1, 6)]
    assert all(hit.similarity == hit.score for hit in results.hits)


def test_keyword_orders_by_words_and_needs_no_encoder(snapshot, settings):
    settings.TCS_ENCODER = "tests.support.fakes.Nobody"
    results = search("sourdough", snapshot, 10, Mode.KEYWORD)
    bakers = Expert.objects.filter(job_title="Baker").values_list("username", flat=True)
    assert sorted(names(results)) == sorted(bakers)
    assert [hit.keyword_rank for hit in results.hits] == list(range(1, len(results.hits) + 1))
    assert all(hit.similarity is None and hit.semantic_rank is None for hit in results.hits)


def test_hybrid_adds_up_what_stands_out_in_meaning_and_the_words_found(snapshot):
    snapshot = replace(snapshot, feedback=None)
    query = "PostgreSQL query planners"
    results = search(query, snapshot, 24)
    assert results.mode == Mode.HYBRID
    similarities = snapshot.vectors.astype(float) @ text_vector(query)
    by_words, bm25 = (array.tolist() for array in snapshot.keyword(query, 24))
    information = snapshot.keywords.parse(query).information
    expected = {
        key: (similarity - similarities.mean()) / similarities.std()
        + 3.0 * dict(zip(by_words, bm25, strict=True)).get(key, 0.0) / math.sqrt(information)
        for key, similarity in zip(snapshot.ids.tolist(), similarities.tolist(), strict=True)
    }
    assert [hit.expert.pk for hit in results.hits] == sorted(expected, key=lambda key: (-expected[key], key))
    nearest = snapshot.semantic(text_vector(query), 24)[0].tolist()
    for hit in results.hits:
        assert hit.score == pytest.approx(expected[hit.expert.pk], abs=1e-3)
        assert hit.semantic_rank == nearest.index(hit.expert.pk) + 1
        assert hit.keyword_rank == (by_words.index(hit.expert.pk) + 1 if hit.expert.pk in by_words else None)


def test_hybrid_tells_the_similarity_of_what_only_words_found(snapshot, settings, monkeypatch):
    monkeypatch.setattr(searching, "DEPTH_PER_HIT", 1)
    settings.TCS_SEARCH_SEMANTIC_DEPTH = 1
    query = "Number021"
    results = search(query, snapshot, 2)
    only_words = [hit for hit in results.hits if hit.semantic_rank is None]
    assert only_words
    for hit in results.hits:
        row = snapshot.rows(np.array([hit.expert.pk]))[0]
        assert hit.similarity == pytest.approx(float(snapshot.vectors[row] @ text_vector(query)), abs=1e-6)


@pytest.mark.parametrize(
    ("query", "username"),
    [
        ("Number001", "expert-001"),
        ("number024", "expert-024"),
        ("Erin Number007", "expert-007"),
        ("Erin Number02", "expert-020"),
        ("expert-011", "expert-011"),
        ("Numbr019", "expert-019"),
        ("Erin Numbr019", "expert-019"),
        ("Company 23", "expert-023"),
    ],
)
def test_who_is_named_comes_before_who_is_merely_nearest(snapshot, query, username):
    assert username in names(search(query, snapshot, 5 if query.endswith("02") else 1))


def test_a_vector_from_the_caller_is_used_as_it_is(snapshot, settings):
    settings.TCS_ENCODER = "tests.support.fakes.Nobody"
    given = search("steel", snapshot, 5, Mode.SEMANTIC, vector=text_vector("honey"))
    settings.TCS_ENCODER = "tests.support.fakes.HashEncoder"
    assert names(given) == names(search("honey", snapshot, 5, Mode.SEMANTIC))


def test_the_version_and_the_words_are_in_the_answer(snapshot):
    results = search("  honey ", snapshot)
    assert (results.query, results.version) == ("honey", 1)
    assert results.seconds > 0


@pytest.mark.parametrize("mode", Mode)
def test_hidden_and_deleted_experts_are_never_shown_and_are_replaced(snapshot, people, mode):
    query = "sourdough honey steel tax"
    shown = search(query, snapshot, 5, mode)
    Expert.objects.filter(username=names(shown)[0]).update(is_active=False)
    Expert.objects.filter(username=names(shown)[1]).delete()
    again = search(query, snapshot, 5, mode)
    assert len(again.hits) == 5
    assert not set(names(shown)[:2]) & set(names(again))
    assert names(again)[:3] == names(shown)[2:]


@pytest.mark.parametrize("mode", Mode)
def test_the_lists_are_read_to_their_end_when_nearly_everybody_is_hidden(
    snapshot, people, mode, monkeypatch, settings
):
    monkeypatch.setattr(searching, "DEPTH_PER_HIT", 1)
    settings.TCS_SEARCH_SEMANTIC_DEPTH = settings.TCS_SEARCH_KEYWORD_DEPTH = 2
    left = people[7]
    Expert.objects.exclude(pk=left.pk).update(is_active=False)
    assert names(search("number expert case", snapshot, 1, mode)) == [left.username]


def test_what_a_card_shows_is_as_the_directory_has_it_now(snapshot, people):
    Expert.objects.filter(pk=people[0].pk).update(job_title="Promoted")
    results = search("expert-001", snapshot, 1, Mode.KEYWORD)
    assert results.hits[0].expert.job_title == "Promoted"


def test_cards_take_one_query(snapshot):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert len(search("number", snapshot, 10).hits) == 10
    assert len(queries) == 1


@pytest.mark.parametrize("query", ["", " ", "\n\t\u2003 "])
def test_an_empty_query_is_refused(snapshot, query):
    with pytest.raises(EmptyQuery):
        search(query, snapshot)


@pytest.mark.parametrize("k", [0, -1, MAX_K + 1])
def test_k_outside_its_limits_is_refused(snapshot, k):
    with pytest.raises(ValueError, match=f"k is {k}, expected 1 to 100"):
        search("honey", snapshot, k)


@pytest.mark.parametrize("k", [1, MAX_K])
def test_there_are_k_hits_or_as_many_as_experts(snapshot, k):
    assert len(search("honey", snapshot, k).hits) == min(k, 24)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("query", ["word: AND (", "数据" * 5_000, "honey \x00 \ud800 🎉"])
def test_any_text_is_answered(snapshot, mode, query):
    results = search(query, snapshot, 5, mode)
    assert results.has_words
    assert len(results.hits) <= 5


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("query", ["!!!", "\x00", "\ud800", "🎉", '"', "- - -", "x" * 10_000])
def test_a_query_of_no_words_finds_nobody_and_encodes_nothing(snapshot, mode, query):
    results = search(query, snapshot, 5, mode)
    assert (results.hits, len(results.matches.ids), results.has_words) == ((), 0, False)
    assert "encode" not in results.timings


@pytest.mark.parametrize("mode", [Mode.SEMANTIC, Mode.HYBRID])
def test_vectors_of_two_models_never_meet(snapshot, settings, mode):
    settings.TCS_ENCODER = "tests.support.fakes.OtherHashEncoder"
    encoders.reset()
    with pytest.raises(EncoderUnavailable, match="Rebuild the index, or set TCS_MODEL_PATH"):
        search("honey", snapshot, 3, mode)
    assert search("honey", snapshot, 3, Mode.KEYWORD).hits


def test_hybrid_does_not_quietly_become_keyword_when_the_model_fails(snapshot, monkeypatch):
    def load(self: HashEncoder) -> None:
        raise EncoderUnavailable("no model")

    monkeypatch.setattr(HashEncoder, "load", load)
    with pytest.raises(EncoderUnavailable, match="no model"):
        search("honey", snapshot)


@pytest.mark.django_db(transaction=True)
def test_many_threads_search_at_once(snapshot):
    expected = {query: names(search(query, snapshot)) for query in ("honey", "steel bridges", "tax")}
    wrong: list[str] = []

    def ask() -> None:
        for query, answer in expected.items():
            if names(search(query, snapshot)) != answer:
                wrong.append(query)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
