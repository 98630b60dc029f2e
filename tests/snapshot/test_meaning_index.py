"""An expert is as near as the best of their passages, whatever finds it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from indexing.snapshot import meaning_index
from indexing.snapshot.files_engine import MappedVectors
from indexing.snapshot.meaning_index import MeaningIndex
from indexing.snapshot.passages import PassageRows
from indexing.snapshot.prefilter import KeywordConditions, Prefilter
from indexing.snapshot.ranking_constants import PENALTY
from indexing.snapshot.vectors import VectorIndex, build_index

EXPERTS = 400
COUNTS = {row: 2 + row % 30 for row in range(0, EXPERTS, 3)}
"""row of an expert -> how many passages; the others have one vector"""


@pytest.fixture(scope="module")
def passages() -> PassageRows:
    table = [(row, 100 * piece, 90) for row, count in COUNTS.items() for piece in range(count)]
    return PassageRows(np.array(table, np.int32))


@pytest.fixture(scope="module")
def matrix(passages) -> np.ndarray:
    """Passages of one expert are alike, so that they fill the first places of a list together."""
    dice = np.random.default_rng(3)
    centres = dice.normal(size=(EXPERTS, 24))
    near = centres[passages.table[:, 0]] + 0.5 * dice.normal(size=(len(passages), 24))
    return unit(np.concatenate([centres, near]))


@pytest.fixture(scope="module", params=["exact", "approximate"])
def index(request, matrix, passages, tmp_path_factory) -> MeaningIndex:
    ann = None
    if request.param == "approximate":
        target = tmp_path_factory.mktemp("ann") / "ann.faiss"
        build_index(matrix, target)
        ann = VectorIndex.open(target)
    return MeaningIndex(MappedVectors(matrix, passages, ann), EXPERTS, passages)


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def queries(count: int = 20) -> np.ndarray:
    return unit(np.random.default_rng(8).normal(size=(count, 24)))


def expected(matrix: np.ndarray, passages: PassageRows, query: np.ndarray) -> np.ndarray:
    """float64[EXPERTS], said once more and slowly."""
    similarities = matrix.astype(float) @ query
    return np.array(
        [
            similarities[EXPERTS:][passages.table[:, 0] == row].max() - PENALTY * math.log(COUNTS[row]) ** 2
            if row in COUNTS
            else similarities[row]
            for row in range(EXPERTS)
        ]
    )


def test_how_near_the_nearest_is_comes_for_many_at_once(matrix, passages, monkeypatch):
    """The queries are rows themselves: means, which do not count, and passages, which are corrected."""
    monkeypatch.setattr(meaning_index, "ROWS_AT_ONCE", 7)
    many = np.concatenate([queries(), matrix[::5]])
    index = MeaningIndex(MappedVectors(matrix, passages, None), EXPERTS, passages)
    true = [expected(matrix, passages, query).max() for query in many]
    np.testing.assert_allclose(index.highest(many), true, atol=1e-5)


@pytest.mark.parametrize("k", [1, 10, 60])
def test_the_nearest_are_those_with_the_best_passage(index, matrix, passages, k):
    for query in queries():
        true = expected(matrix, passages, query)
        rows, similarities = index.nearest(query, k)
        same_experts(rows, np.argsort(-true)[:k], index)
        np.testing.assert_allclose(similarities, true[rows], atol=1e-6)


def same_experts(rows: np.ndarray, true: np.ndarray, index: MeaningIndex) -> None:
    """An approximate index may miss one in twenty, but gives as many."""
    if index.index.compares_all:
        assert rows.tolist() == true.tolist()
    assert len(rows) == len(true)
    assert len(np.intersect1d(rows, true)) >= 0.95 * len(true)


@pytest.mark.parametrize("share", [0.5, 0.05, 0.0])
def test_a_filter_is_for_experts_and_all_their_passages(index, matrix, passages, share):
    mask = np.random.default_rng(1).random(EXPERTS) < share
    for query in queries(5):
        true = np.where(mask, expected(matrix, passages, query), -np.inf)
        k = min(30, int(mask.sum()))
        rows, similarities = index.nearest(query, 30, Prefilter(mask, KeywordConditions()))
        same_experts(rows, np.argsort(-true)[:k], index)
        np.testing.assert_allclose(similarities, true[rows], atol=1e-6)


def test_everybody_is_found_once_if_as_many_are_wanted(index):
    rows, _ = index.nearest(queries(1)[0], 10 * EXPERTS)
    assert sorted(rows.tolist()) == list(range(EXPERTS))


@pytest.mark.parametrize("rows", [[7, 0, 7, 399], list(range(EXPERTS))])
def test_similarities_are_those_of_the_list(index, matrix, passages, rows):
    query = queries(1)[0]
    found = index.similarities(query, np.array(rows))
    np.testing.assert_allclose(found, expected(matrix, passages, query)[rows], atol=1e-6)


def test_the_best_passage_is_a_piece_and_never_the_whole(index, matrix, passages):
    for query in queries():
        for row, found in zip((0, 1, 3, 30), index.best_passages(query, np.array([0, 1, 3, 30])), strict=True):
            if row not in COUNTS:
                assert found is None
                continue
            pieces = np.flatnonzero(passages.table[:, 0] == row)[1:]
            best = pieces[np.argmax(matrix[EXPERTS:][pieces] @ query)]
            assert found == tuple(passages.table[best, 1:])


def test_all_passages_of_one_come_nearest_first(index, matrix, passages):
    for query in queries():
        for row in (0, 1, 3, 30):
            pieces = np.flatnonzero(passages.table[:, 0] == row)[1:]
            near = sorted(((float(matrix[EXPERTS + each] @ query), each) for each in pieces), reverse=True)
            found = index.nearest_passages(query, row)
            assert [each[:2] for each in found] == [tuple(passages.table[each, 1:]) for _, each in near]
            np.testing.assert_allclose([each[2] for each in found], [each for each, _ in near], atol=1e-6)


def test_without_passages_it_is_the_similarity_alone(matrix):
    index = MeaningIndex(MappedVectors(matrix[:EXPERTS], PassageRows.none(), None), EXPERTS, PassageRows.none())
    query = queries(1)[0]
    rows, similarities = index.nearest(query, 10)
    true = matrix[:EXPERTS] @ query
    assert rows.tolist() == np.argsort(-true)[:10].tolist()
    np.testing.assert_allclose(similarities, true[rows], atol=1e-6)
    assert index.best_passages(query, rows) == [None] * 10
    assert index.nearest_passages(query, 0) == []
