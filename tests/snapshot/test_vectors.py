"""Vector search: exact is exact, approximate says how good it is."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest

from indexing.errors import Cancelled
from indexing.snapshot.spread import Spread
from indexing.snapshot.vectors import (
    EACH_LIST,
    LISTS,
    Nearby,
    VectorIndex,
    build_index,
    nearest,
    products,
)


def unit(n: int, d: int = 32, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, d))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_more_hits_than_vectors_are_all_vectors(tmp_path):
    build_index(unit(3), tmp_path / "ann")
    rows, _ = VectorIndex.open(tmp_path / "ann").search(unit(1, seed=1), 50)
    assert sorted(rows[0].tolist()) == [0, 1, 2]


def test_it_answers_from_many_threads_after_its_file_is_gone(tmp_path):
    vectors = unit(2_000)
    build_index(vectors, tmp_path / "ann")
    index = VectorIndex.open(tmp_path / "ann")
    (tmp_path / "ann").unlink()
    firsts: list[int] = []

    def ask(start: int) -> None:
        for row in range(start, start + 50):
            firsts.append(int(index.search(vectors[row : row + 1], 1)[0][0, 0]) - row)

    threads = [threading.Thread(target=ask, args=(start,)) for start in (0, 100, 200, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert firsts == [0] * 200


def test_building_tells_progress_and_can_be_stopped(tmp_path):
    reported: list[int] = []
    build_index(unit(20_000, 8), tmp_path / "ann", advance=reported.append)
    assert len(reported) == 2
    assert sum(reported) == 20_000

    def stop(count: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        build_index(unit(10), tmp_path / "other", advance=stop)
    assert not (tmp_path / "other").exists()


def test_a_file_that_is_not_an_index_is_a_runtime_error(tmp_path):
    (tmp_path / "ann").write_bytes(b"rubbish" * 100)
    with pytest.raises(RuntimeError):
        VectorIndex.open(tmp_path / "ann")


def crowd(n: int, seed: int) -> np.ndarray:
    """Unit vectors around 300 of them, as those of experts lie around professions."""
    random = np.random.default_rng(seed)
    vectors = unit(300)[random.integers(300, size=n)] + random.normal(scale=0.1, size=(n, 32)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_many_queries_find_about_the_nearest():
    vectors, queries = crowd(LISTS * EACH_LIST, 1), crowd(500, 2)
    rows = Nearby(vectors).search(queries, 10)
    exact, _ = nearest(vectors, queries, 10)
    found = [len(np.intersect1d(ours, true)) for ours, true in zip(rows, exact, strict=True)]
    assert np.mean(found) > 9
    np.testing.assert_array_equal(rows, Nearby(vectors).search(queries, 10))


@pytest.mark.parametrize("n", [5, 2_000])
def test_among_few_vectors_they_are_the_nearest(n):
    vectors, queries = crowd(n, 1), crowd(50, 2)
    np.testing.assert_array_equal(Nearby(vectors).search(queries, 5), nearest(vectors, queries, 5)[0])


def test_where_the_nearest_centre_has_too_few_all_are_compared(monkeypatch):
    """Nearly all vectors are one: other centres have one vector or none."""
    monkeypatch.setattr("indexing.snapshot.vectors.LOOKED_AT", 1)
    alone = unit(300, seed=5)
    nearby = Nearby(np.concatenate([np.repeat(unit(1), LISTS * EACH_LIST, axis=0), alone]))
    assert (nearby._index.search(alone, 50)[1] < 0).any()
    rows = nearby.search(alone, 50)
    assert rows.min() >= 0
    assert all(len(np.unique(each)) == 50 for each in rows)


def test_the_spread_of_similarities_is_that_of_all_of_them():
    vectors, query = np.abs(unit(400)), unit(1, seed=4)[0]
    similarities = vectors.astype(float) @ query
    assert Spread.from_vectors(vectors).over(query) == pytest.approx(
        (similarities.mean(), similarities.std()), abs=1e-6
    )


def test_the_spread_of_one_vector_or_of_equal_ones_is_nothing():
    vectors = unit(1).repeat(3, axis=0)
    for some in (vectors[:1], vectors):
        mean, deviation = Spread.from_vectors(some).over(vectors[0])
        assert mean == pytest.approx(1.0)
        assert deviation == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("count", [0, 1, 700])
def test_products_are_what_numpy_says(count):
    vectors, query = unit(700, 48)[:count], unit(1, 48, seed=1)[0]
    np.testing.assert_allclose(products(vectors, query), vectors @ query, atol=1e-6)
    apart = np.asfortranarray(vectors)  # not in one piece, row by row
    np.testing.assert_allclose(products(apart, query), vectors @ query, atol=1e-6)


IN_TIGHT_MEMORY = """
import resource
import numpy as np, psutil
from indexing.snapshot.spread import Spread
from indexing.snapshot.vectors import compare_each, products
vectors = np.ones((2_000, 384), np.float32)
vector, spread = vectors[0], Spread(np.ones(384, np.float32), np.ones((384, 384), np.float32))
limit = psutil.Process().memory_info().vms + (16 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
assert products(vectors, vector)[0] == 384
assert compare_each(vectors, vector, 3, np.arange(1_500))[1][0] == 384
assert spread.over(vector)[0] == 384
print("done")
"""


def test_what_a_search_multiplies_takes_no_memory_of_blas():
    """OpenBLAS ends the process where the 32 MB that it takes for a multiplication are not to be had."""
    ended = subprocess.run([sys.executable, "-c", IN_TIGHT_MEMORY], capture_output=True, text=True, check=False)
    assert (ended.stdout.strip(), ended.returncode) == ("done", 0), ended.stderr
