"""Two lists to one: the sums, what is missing from a list, and what must not matter."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from experts.models import Expert
from indexing.lib.timing import StepTimer
from indexing.search.fusion import LEAST_DEVIATION, by_both, fused_scores, word_factor
from indexing.search.ranked import ordered
from indexing.snapshot.keyword_query import KeywordQuery
from indexing.snapshot.reader import Snapshot
from tests.support import cast
from tests.support.fakes import text_vector
from tests.support.index_cast import built_snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture
def snapshot() -> Snapshot:
    cast.experts(24)
    return built_snapshot()


def told(information: float, *, only_keywords: bool = False) -> KeywordQuery:
    return KeywordQuery((), information, 0.0, information, frozenset(), only_keywords)


def test_the_sum_by_hand():
    words = np.array([0.0, 6.0, 12.0])
    scores = fused_scores(np.array([0.5, 0.3, 0.1]), (0.1, 0.2), words, told(9.0))
    # (0.5 - 0.1) / 0.2; (0.3 - 0.1) / 0.2 + 1.8 * 6 / 3; 0 + 1.8 * 12 / 3
    assert scores.tolist() == pytest.approx([2.0, 4.6, 7.2])
    boiled_down = fused_scores(np.array([0.5, 0.3, 0.1]), (0.1, 0.2), words, told(9.0, only_keywords=True))
    assert boiled_down.tolist() == pytest.approx([2.0, 7.0, 12.0])


def test_words_count_for_less_if_nobody_has_the_others():
    half = replace(told(8.0), known_information=2.0)
    assert word_factor(half) == pytest.approx(word_factor(told(8.0)) / 2)
    assert word_factor(replace(half, known_information=0.0)) == word_factor(told(8.0))  # only near matches


def test_the_scale_of_similarities_does_not_matter():
    """Another model has cosines between .7 and .9: the order must be the same."""
    similarities, words = np.array([0.1, 0.4, 0.6, 0.2]), np.array([8.0, 0.0, 2.0, 4.0])
    here = fused_scores(similarities, (0.1, 0.1), words, told(10.0))
    there = fused_scores(0.7 + similarities / 5, (0.7 + 0.1 / 5, 0.1 / 5), words, told(10.0))
    assert there.tolist() == pytest.approx(here.tolist())


def test_where_all_experts_are_the_same_noise_does_not_decide():
    scores = fused_scores(np.array([0.3, 0.3 + 1e-6]), (0.3, 1e-7), np.array([1.0, 0.0]), told(10.0))
    assert scores[0] > scores[1]
    assert scores[1] == pytest.approx(1e-6 / LEAST_DEVIATION)


def test_the_depth_of_the_list_of_words_hardly_matters(snapshot):
    """An expert beyond the end of a full list gets half of its last score, and no expert is lost."""
    snapshot = replace(snapshot, feedback=None)
    query = "bees honey bread bridges tax"
    vector = text_vector(query)
    everybody = by_both(snapshot, query, vector, (24, 24), StepTimer())
    shallow = by_both(snapshot, query, vector, (24, 5), StepTimer())
    listed, bm25 = snapshot.keyword(query, 5)
    information = snapshot.keywords.parse(query).information
    assert set(shallow.ids) == set(everybody.ids)
    true = dict(zip(everybody.ids.tolist(), everybody.scores.tolist(), strict=True))
    for key, score, rank in zip(shallow.ids, shallow.scores, shallow.keyword_ranks, strict=True):
        if key in listed:
            assert rank == listed.tolist().index(key) + 1
            assert score == pytest.approx(true[key])
        else:
            row = snapshot.rows(np.array([key]))[0]
            mean, deviation = snapshot.spread.over(vector)
            z = (float(snapshot.vectors[row] @ vector) - mean) / deviation
            assert rank == 0
            assert score == pytest.approx(z + 3.0 * float(bm25[-1]) / 2 / math.sqrt(information), abs=1e-4)


def test_every_candidate_has_a_similarity_and_is_there_once(snapshot):
    found = by_both(snapshot, "Number021 honey", text_vector("steel"), (3, 6), StepTimer())
    assert len(set(found.ids.tolist())) == len(found) > 3
    rows = snapshot.rows(found.ids)
    assert found.similarities == pytest.approx(snapshot.vectors[rows] @ text_vector("steel"), abs=1e-6)
    assert (np.diff(found.scores) <= 0).all()


def test_without_any_word_meaning_decides_alone(snapshot):
    vector = text_vector("honey")
    found = by_both(snapshot, "!!!", vector, (24, 24), StepTimer())
    assert len(found)
    assert found.ids.tolist() == snapshot.semantic(vector, len(found))[0].tolist()
    assert not found.keyword_ranks.any()


def test_equal_scores_go_by_the_words_then_by_the_id():
    ids, same = np.array([4, 7, 8, 9]), np.zeros(4)
    found = ordered(ids, same, same, np.array([1, 2, 3, 4]), np.array([0, 2, 1, 0]))
    assert found.ids.tolist() == [8, 7, 4, 9]
    assert found.keyword_ranks.tolist() == [1, 2, 0, 0]


def test_the_words_of_the_first_experts_find_others_who_have_them():
    """Only one baker has the query's word. The other bakers share that one's words, the welders do not."""
    cast.experts(24)
    baker = Expert.objects.filter(job_title="Baker").first()
    Expert.objects.filter(pk=baker.pk).update(bio=f"Crumpets. {baker.bio}")
    snapshot = built_snapshot()
    vector = np.zeros(64, np.float32)
    found = by_both(snapshot, "crumpets", vector, (24, 24), StepTimer())
    without = by_both(replace(snapshot, feedback=None), "crumpets", vector, (24, 24), StepTimer())
    bakers = set(Expert.objects.filter(job_title="Baker").values_list("pk", flat=True))
    assert set(found.ids[:3].tolist()) == bakers
    assert without.ids[without.scores > 0].tolist() == [baker.pk]
    assert found.ids[found.keyword_ranks > 0].tolist() == [baker.pk]  # ranks are those by the words typed
