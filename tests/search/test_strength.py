"""Strong and weak matches, and queries that mean nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from experts.models import Expert
from indexing import encoders
from indexing.search import Mode, search
from indexing.snapshot.reader import Snapshot
from tests.support import cast
from tests.support.index_cast import built_snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture
def snapshot() -> Snapshot:
    cast.experts(24)
    encoders.reset()
    yield built_snapshot()
    encoders.reset()


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("query", ["zzqqxx", "asdf qwer"])
def test_nonsense_finds_nobody(snapshot, mode, query):
    found = search(query, snapshot, 10, mode)
    assert (found.hits, len(found.matches.ids)) == ((), 0)


def test_strong_matches_come_first_and_are_counted(snapshot):
    found = search("sourdough bread and fermentation", snapshot, 24)
    strong = [hit.is_strong for hit in found.hits]
    assert strong == sorted(strong, reverse=True)
    assert {hit.expert.job_title for hit in found.hits[:3] if hit.is_strong} == {"Baker"}
    assert found.matches.ids.tolist() == [hit.expert.pk for hit in found.hits if hit.is_strong]
    assert False in strong


@pytest.mark.parametrize("mode", [Mode.HYBRID, Mode.KEYWORD])
def test_a_name_with_a_slip_is_a_strong_match(snapshot, mode):
    found = search("Numbr019", snapshot, 5, mode)
    assert [hit.expert.username for hit in found.hits if hit.is_strong][0] == "expert-019"


def test_half_of_what_the_words_say_is_strong(snapshot):
    found = search("sourdough honey", snapshot, 24, Mode.KEYWORD)
    assert {hit.expert.job_title for hit in found.hits} == {"Baker", "Beekeeper"}
    long = search("sourdough honey steel tax bridges", snapshot, 24, Mode.KEYWORD)
    assert len(long.hits) > len(long.matches.ids)


def test_a_version_without_a_threshold_shows_all_as_before(snapshot):
    manifest = replace(snapshot.manifest, strong_similarity=None)
    earlier = replace(snapshot, baseline=replace(snapshot.baseline, manifest=manifest))
    found = search("zzqqxx", earlier, 24)
    assert len(found.hits) == Expert.objects.count()
    assert all(hit.is_strong for hit in found.hits)
    assert not found.matches.are_strong
