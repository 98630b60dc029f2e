"""The index of very many vectors: lists, bytes for numbers, and the comparison by the real vectors after that."""

from __future__ import annotations

import numpy as np
import pytest

from indexing.snapshot import list_index
from indexing.snapshot.list_index import ListIndex, build_lists
from indexing.snapshot.recall import LIST_EFFORTS, Truth, least_effort
from indexing.snapshot.vectors import VectorIndex, build_index, compare_each
from tests.snapshot.test_vectors import unit


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    """float32[8,000, 32]: perturbed ones of 400."""
    base = unit(400)[np.random.default_rng(1).integers(400, size=8_000)]
    moved = base + 0.5 * unit(8_000, seed=2)
    return (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def index(vectors, tmp_path_factory) -> ListIndex:
    return build_lists(vectors, tmp_path_factory.mktemp("ann") / "ann.faiss")


def test_similarities_are_those_of_the_vectors_in_their_order(vectors, index):
    rows, similarities = index.search(vectors[:20], 10)
    np.testing.assert_allclose(similarities, np.einsum("mkd,md->mk", vectors[rows], vectors[:20]), atol=1e-6)
    assert (np.diff(similarities) <= 0).all()
    assert rows[:, 0].tolist() == list(range(20))


def test_an_effort_is_found_that_is_enough(vectors, index):
    found = least_effort(index, vectors, 0.97)
    assert found.kind == "ivf"
    assert found.effort in LIST_EFFORTS
    assert found.recall >= 0.97


def test_in_all_lists_everything_is_found(vectors, index):
    assert Truth.of(vectors, 200).recall(index.with_effort(10_000)) == 1


def test_without_the_comparison_by_the_vectors_the_bytes_alone_would_not_do(vectors, index):
    """What the index finds by its bytes is put in order by other vectors: the recall tells."""
    other = ListIndex(index._index, np.roll(vectors, 1, axis=0), index.effort)
    assert Truth.of(vectors, 200).recall(other) < 0.5


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.95])
def test_filters_lose_no_hits(vectors, index, share, monkeypatch):
    monkeypatch.setattr(list_index, "EXACT_AMONG", 20)
    mask = np.random.default_rng(3).random(len(vectors)) < share
    rows = np.flatnonzero(mask)
    index = index.with_effort(least_effort(index, vectors).effort)
    found = 0
    for vector in vectors[::80]:
        best, similarities = index.search_among(vectors, vector, 10, mask)
        assert len(best) == len(set(best.tolist())) == 10
        assert mask[best].all()
        found += np.count_nonzero(similarities >= compare_each(vectors, vector, 10, rows)[1][-1] - 1e-5)
    assert found / 1_000 >= 0.97


def test_where_the_lists_have_too_few_of_the_selected_all_are_compared(vectors, index, monkeypatch):
    monkeypatch.setattr(list_index, "EXACT_AMONG", 0)
    mask = np.zeros(len(vectors), np.bool_)
    mask[::2_000] = True
    best, _ = index.search_among(vectors, vectors[1], 10, mask)
    assert sorted(best.tolist()) == [0, 2_000, 4_000, 6_000]


def test_more_hits_than_vectors_are_all_vectors(tmp_path):
    few = unit(30)
    rows, similarities = build_lists(few, tmp_path / "ann.faiss").with_effort(100).search(few[:2], 50)
    assert sorted(rows[0].tolist()) == list(range(30))
    assert similarities[0, 0] == pytest.approx(1, abs=1e-5)


def test_an_opened_index_answers_the_same_and_outlives_its_file(vectors, index, tmp_path):
    build_lists(vectors, tmp_path / "ann.faiss")
    opened = ListIndex.open(tmp_path / "ann.faiss", vectors, index.effort)
    (tmp_path / "ann.faiss").unlink()
    assert (opened.count, opened.dimension) == vectors.shape
    np.testing.assert_array_equal(opened.search(vectors[:50], 10)[0], index.search(vectors[:50], 10)[0])


def test_each_kind_refuses_the_file_of_the_other(vectors, tmp_path):
    build_index(vectors[:500], tmp_path / "graph")
    build_lists(vectors[:500], tmp_path / "lists")
    with pytest.raises(RuntimeError, match="another kind"):
        ListIndex.open(tmp_path / "graph", vectors[:500])
    with pytest.raises(RuntimeError, match="another kind"):
        VectorIndex.open(tmp_path / "lists")


def test_centres_are_of_unit_length_and_the_same_each_time(vectors):
    centres = list_index.find_centres(vectors, 64)
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(centres, list_index.find_centres(vectors, 64))


def test_centres_are_nearer_than_as_many_of_the_vectors(vectors):
    _, chosen = list_index.nearest_centres(vectors, vectors[:64])
    lists, found = list_index.nearest_centres(vectors, list_index.find_centres(vectors, 64))
    assert found.mean() > chosen.mean() + 0.05
    sizes = np.bincount(lists, minlength=64)
    assert sizes.min() > 0
    assert 64 * np.square(sizes).sum() / np.square(sizes.sum()) < 2, "what a search reads, against even lists"


def test_texts_that_many_have_get_a_list_each(vectors):
    """A hundred vectors that each come forty times, and as many others that come once."""
    sample = np.concatenate([np.repeat(unit(100, 32, seed=9), 40, axis=0), vectors[:100]])
    lists, similarities = list_index.nearest_centres(sample, list_index.find_centres(sample, 200))
    assert len(np.unique(lists)) == 200
    np.testing.assert_allclose(similarities, 1, atol=1e-6)


def test_a_directory_of_a_few_different_texts_has_as_few_lists(tmp_path):
    same = np.repeat(unit(5, 32), 400, axis=0)
    index = build_lists(same, tmp_path / "ann.faiss").with_effort(5)
    assert index._index.nlist == 5
    assert Truth.of(same, 50).recall(index) == 1
