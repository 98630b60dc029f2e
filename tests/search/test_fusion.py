"""Two lists to one: the sums, what is missing from a list, and what must not matter."""

from __future__ import annotations

import numpy as np
import pytest

from indexing.lib.timing import StepTimer
from indexing.search import fusion
from indexing.search.fusion import LEAST_DEVIATION, by_both, fused_scores
from indexing.snapshot.reader import Snapshot
from tests.support import cast
from tests.support.fakes import text_vector
from tests.support.index_cast import built_snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture
def snapshot() -> Snapshot:
    cast.experts(24)
    return built_snapshot()


def test_the_sum_by_hand():
    scores = fused_scores(np.array([0.5, 0.3, 0.1]), (0.1, 0.2), np.array([0.0, 6.0, 12.0]), 12.0, 4.0)
    # (0.5 - 0.1) / 0.2; (0.3 - 0.1) / 0.2 + 4 * 6 / 12; 0 + 4 * 12 / 12
    assert scores.tolist() == pytest.approx([2.0, 3.0, 4.0])


def test_the_scale_of_similarities_does_not_matter():
    """Another model has cosines between .7 and .9: the order must be the same."""
    similarities, words = np.array([0.1, 0.4, 0.6, 0.2]), np.array([8.0, 0.0, 2.0, 4.0])
    here = fused_scores(similarities, (0.1, 0.1), words, 10.0, 10.0)
    there = fused_scores(0.7 + similarities / 5, (0.7 + 0.1 / 5, 0.1 / 5), words, 10.0, 10.0)
    assert there.tolist() == pytest.approx(here.tolist())


def test_where_all_experts_are_the_same_noise_does_not_decide():
    scores = fused_scores(np.array([0.3, 0.3 + 1e-6]), (0.3, 1e-7), np.array([1.0, 0.0]), 10.0, 10.0)
    assert scores[0] > scores[1]
    assert scores[1] == pytest.approx(1e-6 / LEAST_DEVIATION)


def test_the_depth_of_the_list_of_words_hardly_matters(snapshot):
    """An expert beyond the end of a full list gets half of its last score, and no expert is lost."""
    query = "bees honey bread bridges tax"
    vector = text_vector(query)
    everybody = by_both(snapshot, query, vector, (24, 24), 10.0, StepTimer())
    shallow = by_both(snapshot, query, vector, (24, 5), 10.0, StepTimer())
    listed, bm25 = snapshot.keyword(query, 5)
    total_idf = snapshot.keywords.parse(query).total_idf
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
            assert score == pytest.approx(z + 10.0 * float(bm25[-1]) / 2 / total_idf, abs=1e-4)


def test_every_candidate_has_a_similarity_and_is_there_once(snapshot):
    found = by_both(snapshot, "Number021 honey", text_vector("steel"), (3, 6), 10.0, StepTimer())
    assert len(set(found.ids.tolist())) == len(found) > 3
    rows = snapshot.rows(found.ids)
    assert found.similarities == pytest.approx(snapshot.vectors[rows] @ text_vector("steel"), abs=1e-6)
    assert (np.diff(found.scores) <= 0).all()


def test_without_any_word_meaning_decides_alone(snapshot):
    vector = text_vector("honey")
    found = by_both(snapshot, "!!!", vector, (24, 24), 10.0, StepTimer())
    assert found.ids.tolist() == snapshot.semantic(vector, 24)[0].tolist()
    assert not found.keyword_ranks.any()


def test_equal_scores_go_by_the_words_then_by_the_id():
    ids, same = np.array([4, 7, 8, 9]), np.zeros(4)
    found = fusion._ordered(ids, same, same, np.array([1, 2, 3, 4]), np.array([0, 2, 1, 0]))
    assert found.ids.tolist() == [8, 7, 4, 9]
    assert found.keyword_ranks.tolist() == [1, 2, 0, 0]
