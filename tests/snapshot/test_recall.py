"""How well an approximate index finds, and the least effort with which it finds enough."""

from __future__ import annotations

import numpy as np
import pytest

from indexing.snapshot import recall
from indexing.snapshot.recall import Truth, least_effort
from indexing.snapshot.vectors import VectorIndex, build_index, nearest
from tests.snapshot.test_vectors import unit


@pytest.fixture(scope="module")
def hard() -> np.ndarray:
    """float32[6,000, 48]: vectors without any order, among which a graph finds its way badly."""
    return unit(6_000, 48)


@pytest.fixture(scope="module")
def index(hard, tmp_path_factory) -> VectorIndex:
    return build_index(hard, tmp_path_factory.mktemp("ann") / "ann.faiss")


def test_the_smallest_effort_that_finds_enough_is_chosen(hard, index, monkeypatch):
    monkeypatch.setattr(recall, "EFFORTS", (10, 20, 40, 80, 160, 320, 640))
    found = least_effort(index, hard, 0.995)
    truth = Truth.of(hard)
    assert found.effort > 10
    assert found.recall == truth.recall(index.with_effort(found.effort)) >= 0.995
    assert truth.recall(index.with_effort(found.effort // 2)) < 0.995


def test_where_no_effort_is_enough_the_last_one_says_how_much_it_finds(hard, index, monkeypatch):
    monkeypatch.setattr(recall, "EFFORTS", (10, 12))
    found = least_effort(index, hard, 0.995)
    assert found.effort == 12
    assert found.recall < 0.995


def test_an_opened_index_finds_as_much(hard, index, tmp_path):
    build_index(hard, tmp_path / "ann.faiss")
    opened = VectorIndex.open(tmp_path / "ann.faiss", 40)
    assert Truth.of(hard, 200).recall(opened) == pytest.approx(
        Truth.of(hard, 200).recall(index.with_effort(40)), abs=0.05
    )


@pytest.mark.parametrize("every", [1, 3])
def test_the_tenth_is_found_whatever_block_it_is_in(hard, monkeypatch, every):
    monkeypatch.setattr(recall, "AT_ONCE", 700)
    among = np.arange(0, len(hard), every)
    truth = Truth.of(hard, 50, None if every == 1 else among)
    tenth = nearest(hard[among], truth.queries, 10)[1][:, -1]
    np.testing.assert_allclose(truth.tenth, tenth, atol=1e-5)


class Forgetful:
    """Finds every second one."""

    def __init__(self, vectors: np.ndarray, shift: int = 0) -> None:
        self.vectors, self.shift = vectors, shift

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        rows, similarities = nearest(self.vectors, queries, k)
        rows[:, k // 2 :] = -1
        return (rows + self.shift) % len(self.vectors) if self.shift else rows, similarities


def test_recall_is_the_share_that_is_found():
    vectors = unit(300)
    assert Truth.of(vectors).recall(Forgetful(vectors)) == pytest.approx(0.5)


def test_rows_of_other_vectors_are_not_found_whatever_the_index_says_of_them():
    vectors = unit(300)
    assert Truth.of(vectors).recall(Forgetful(vectors, shift=7)) < 0.1


def test_any_of_those_that_are_equally_near_counts():
    vectors = np.repeat(unit(10), 30, axis=0)

    class Reversed:
        def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
            rows, similarities = nearest(vectors[::-1].copy(), queries, k)
            return len(vectors) - 1 - rows, similarities

    assert Truth.of(vectors).recall(Reversed()) == 1
