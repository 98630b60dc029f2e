"""Vectors of queries are kept; cards of a page take one query to the database, tags included."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from experts import cards, directory
from experts.models import Expert
from experts.profiles.text import profile_text
from experts.tagging import storage
from experts.tagging.assignment import TagSpec
from indexing import encoders
from indexing.building import nonsense
from indexing.encoders.query_cache import QueryCache
from indexing.quality.evaluation import JudgedQuery, evaluate
from indexing.quality.tag_preview import NEW, score_experts
from indexing.search import Mode, search
from tests.support import cast
from tests.support.fakes import HashEncoder, OtherHashEncoder, text_vector
from tests.support.index_cast import built_snapshot


@pytest.fixture
def encoder() -> HashEncoder:
    return HashEncoder()


def test_the_same_words_are_encoded_once(encoder):
    cache = QueryCache()
    first = cache.vector(encoder, "keeps bees")
    assert cache.vector(encoder, "keeps bees") is first
    assert encoder.encoded == ["keeps bees"]
    np.testing.assert_array_equal(first, text_vector("keeps bees"))
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 0


def test_another_model_has_its_own_vectors(encoder):
    cache, other = QueryCache(), OtherHashEncoder()
    cache.vector(encoder, "honey")
    cache.vector(other, "honey")
    assert (encoder.encoded, other.encoded) == (["honey"], ["honey"])


def test_a_document_of_the_same_words_has_its_own_vector(encoder):
    cache = QueryCache()
    cache.vector(encoder, "honey")
    assert encoder.roles == {"honey": "query"}
    cache.vector(encoder, "honey", "document")
    assert encoder.roles == {"honey": "document"}
    assert encoder.encoded == ["honey"] * 2


def test_the_least_recently_used_goes_first(encoder):
    cache = QueryCache(size=2)
    for text in ("one", "two", "one", "three", "one", "two"):
        cache.vector(encoder, text)
    assert encoder.encoded == ["one", "two", "three", "two"]
    assert len(cache) == 2


def test_any_text_can_be_kept(encoder):
    cache = QueryCache()
    for text in ("", "lone \ud800 surrogate", "x" * 100_000, "數據"):
        assert cache.vector(encoder, text) is cache.vector(encoder, text)


def test_threads_share_it_and_the_bound_holds(encoder):
    cache = QueryCache(size=16)
    wrong: list[str] = []

    def ask(start: int) -> None:
        for number in range(200):
            text = f"word{(start + number) % 40}"
            if not np.array_equal(cache.vector(encoder, text), text_vector(text)):
                wrong.append(text)

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(cache) == 16


@pytest.mark.django_db
def test_a_search_repeated_in_another_mode_encodes_nothing():
    cast.experts(8)
    snapshot = built_snapshot()
    encoder = encoders.loaded()
    encoder.encoded.clear()
    first = search("keeps bees", snapshot)
    again = search(" keeps bees ", snapshot, 5, Mode.SEMANTIC)
    assert encoder.encoded == ["keeps bees"]
    assert again.hits[0].expert == first.hits[0].expert
    encoders.forget_queries()
    search("keeps bees", snapshot)
    assert encoder.encoded == ["keeps bees"] * 2


@pytest.mark.django_db
def test_profiles_are_documents_and_tags_and_what_people_type_are_queries():
    people = cast.experts(8)
    snapshot = built_snapshot()
    search("who keeps bees", snapshot)
    evaluate([JudgedQuery("sells honey", (people[0].username,))], snapshot)
    tag = TagSpec(NEW, "Beekeeping", "domain", "keeps bees")
    score_experts(snapshot, tag)
    roles = encoders.loaded().roles
    queries = {text for text, role in roles.items() if role == "query"} - set(nonsense.queries())
    assert queries == {"who keeps bees", "sells honey", tag.text, *(each.text for each in storage.active_tags())}
    assert roles.keys() - queries >= {profile_text(each) for each in directory.read_active()}


@pytest.mark.services  # tags come as JSON, which each database makes in its own way
@pytest.mark.django_db
@pytest.mark.parametrize("mode", Mode)
def test_a_page_of_hits_and_their_tags_takes_one_query(django_assert_num_queries, mode):
    cast.experts(120)
    Expert.objects.filter(username__contains="5").update(hourly_rate="80", currency="EUR")
    snapshot = built_snapshot()
    with django_assert_num_queries(1):
        results = search("keeps bees and sells honey in company", snapshot, 100, mode)
    assert results.hits
    for hit in results.hits:
        assert [(tag.name, tag.kind) for tag in hit.tags] == list(hit.expert.tags.values_list("name", "kind"))
        plain = Expert.objects.defer(*cards.UNSEEN).get(pk=hit.expert.pk)
        assert fields_of(hit.expert) == fields_of(plain)
    assert any(len(hit.tags) > 1 for hit in results.hits)
    assert any(hit.expert.hourly_rate for hit in results.hits)


def fields_of(expert: Expert) -> dict[str, object]:
    """What is loaded of it, as Python writes it: a rate of 80 is another one than 80.00."""
    return {name: repr(value) for name, value in vars(expert).items() if name != "_state"}


@pytest.mark.django_db
def test_the_steps_of_a_search_are_timed():
    cast.experts(8)
    snapshot = built_snapshot()
    timings = search("keeps bees", snapshot).timings
    assert list(timings) == ["encode", "vectors", "keywords", "fuse", "feedback", "cards"]
    assert all(seconds >= 0 for seconds in timings.values())
    results = search("keeps bees", snapshot, mode=Mode.KEYWORD)
    assert list(results.timings) == ["keywords", "cards"]
    assert sum(results.timings.values()) <= results.seconds
