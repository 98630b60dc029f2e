"""The 2-D map: any number of experts, neighbours stay neighbours, old positions are kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from indexing.embedding_map import positions
from indexing.embedding_map.layout import projection
from indexing.embedding_map.layout.projection import PreviousMap, layout, project
from indexing.errors import Cancelled
from tests.support import cast
from tests.support.index_cast import built_snapshot


def groups(n: int, number: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors float32[n, 64] in `number` clear groups, and the group of each."""
    random = np.random.default_rng(seed)
    which = random.integers(0, number, n)
    vectors = random.normal(size=(number, 64))[which] + 0.4 * random.normal(size=(n, 64))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), which


def agreement(positions: np.ndarray, which: np.ndarray) -> float:
    """Share of points whose nearest other point on the map is of their own group."""
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    return float((which[distances.argmin(axis=1)] == which).mean())


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5, 7, 30, 31, 45, 60, 120, 300])
def test_any_number_of_experts_has_finite_places_apart(n):
    vectors, _ = groups(n)
    positions = layout(vectors, np.arange(n))
    assert positions.shape == (n, 2)
    assert positions.dtype == np.float32
    assert np.isfinite(positions).all()
    assert len(np.unique(positions.round(5), axis=0)) == n


@pytest.mark.parametrize("n", [5, 30, 200])
def test_identical_experts_have_places_too(n):
    vectors, _ = groups(1)
    assert np.isfinite(layout(np.repeat(vectors, n, axis=0), np.arange(n))).all()


def test_groups_of_identical_experts_have_places_too():
    vectors, _ = groups(3)
    assert np.isfinite(layout(np.repeat(vectors, 60, axis=0), np.arange(180))).all()


@pytest.mark.parametrize("n", [30, 250])
def test_neighbours_stay_neighbours(n):
    vectors, which = groups(n)
    assert agreement(layout(vectors, np.arange(n)), which) > 0.9


def test_the_same_experts_get_the_same_map():
    vectors, _ = groups(100)
    np.testing.assert_array_equal(layout(vectors, np.arange(100)), layout(vectors, np.arange(100)))


def test_a_map_that_starts_from_the_former_one_keeps_places():
    vectors, which = groups(200)
    ids = np.arange(1_000, 1_200)
    former = layout(vectors, ids)
    known = np.delete(np.arange(200), [3, 50, 120])
    backwards = known[::-1]  # the former map may have its experts in any order
    again = layout(vectors, ids, previous=PreviousMap(ids[backwards], former[backwards]))
    radius = np.linalg.norm(former - former.mean(axis=0), axis=1).max()
    moved = np.linalg.norm(again - former, axis=1)
    assert moved[known].mean() < 0.15 * radius
    assert agreement(again, which) > 0.9


@pytest.mark.parametrize("former", ["empty", "other people", "not finite"])
def test_a_former_map_that_says_nothing_of_these_people_is_not_used(former):
    vectors, _ = groups(80)
    ids = np.arange(80)
    places = np.random.default_rng(1).normal(size=(80, 2)).astype(np.float32)
    previous = {
        "empty": PreviousMap(ids[:0], places[:0]),
        "other people": PreviousMap(ids + 1_000, places),
        "not finite": PreviousMap(ids, places * np.nan),
    }[former]
    np.testing.assert_array_equal(layout(vectors, ids, previous=previous), layout(vectors, ids))


@pytest.mark.parametrize("why", ["few of them", "another model", "so few that there is no t-SNE"])
def test_a_map_made_afresh_lies_over_the_former_one(why):
    count = 25 if why.startswith("so few") else 80
    vectors, _ = groups(count)
    ids = np.arange(count)
    afresh = layout(vectors, ids)
    angle = np.array([[0, -1], [1, 0]], np.float32)
    former = (afresh @ angle + 5)[::-1]
    known = 35 if why == "few of them" else count
    previous = PreviousMap(ids[::-1][:known], former[:known], same_model=why != "another model")
    again = layout(vectors, ids, previous=previous)
    np.testing.assert_allclose(again, former[::-1], atol=1e-3)


def test_beyond_the_limit_the_rest_is_placed_beside_its_neighbours():
    vectors, which = groups(400)
    positions = layout(vectors, np.arange(400), fit_up_to=150)
    assert np.isfinite(positions).all()
    assert agreement(positions, which) > 0.9


def test_beyond_the_limit_places_are_kept_too():
    vectors, which = groups(420)
    ids = np.arange(1_000, 1_420)
    former = layout(vectors[:400], ids[:400], fit_up_to=150)
    again = layout(vectors[20:], ids[20:], previous=PreviousMap(ids[:400], former), fit_up_to=150)
    radius = np.linalg.norm(former - former.mean(axis=0), axis=1).max()
    moved = np.linalg.norm(again[:380] - former[20:], axis=1)
    assert np.median(moved) < 0.1 * radius
    assert agreement(again, which[20:]) > 0.9


@pytest.mark.parametrize(("n", "heard"), [(60, 0), (60, 1), (60, 30), (400, 60)])
def test_it_can_be_stopped_wherever_it_is(n, heard):
    reported: list[float] = []

    def advance(share: float) -> None:
        reported.append(share)
        if len(reported) > heard:
            raise Cancelled

    vectors, _ = groups(n)
    with pytest.raises(Cancelled):
        layout(vectors, np.arange(n), advance=advance, fit_up_to=100)
    assert len(reported) == heard + 1


@pytest.mark.parametrize(("n", "fit_up_to"), [(100, 100), (5_000, 100)])
def test_it_says_how_far_it_is(n, fit_up_to):
    vectors, _ = groups(n)
    reported: list[float] = []
    layout(vectors, np.arange(n), advance=reported.append, fit_up_to=fit_up_to)
    assert reported == sorted(reported)
    assert (reported[0], reported[-1]) == (0, 1)
    assert len(set(reported)) > 50


def test_the_sample_hardly_changes_with_the_directory():
    before = np.arange(1, 20_001)
    rows = projection.sample(before, 5_000)
    np.testing.assert_array_equal(rows, np.unique(rows))
    assert len(rows) == 5_000
    assert 2_300 < (rows < 10_000).sum() < 2_700  # from all over
    gone, came = np.arange(7, 20_001, 100), np.arange(20_001, 20_401)
    after = np.concatenate([np.setdiff1d(before, gone), came])
    kept = np.intersect1d(before[rows], after[projection.sample(after, 5_000)])
    assert len(kept) > 0.96 * 5_000


def test_of_no_more_than_the_limit_everybody_is_laid_out():
    np.testing.assert_array_equal(projection.sample(np.arange(10, 20), 10), np.arange(10))


@pytest.mark.django_db
def test_the_file_is_in_the_order_of_the_ids_and_whole(tmp_path):
    cast.experts(40)
    snapshot = built_snapshot()
    target = tmp_path / "maps" / "000001.npy"
    project(snapshot, target)
    written = np.load(target)
    assert written.shape == (40, 2)
    assert written.dtype == np.float32
    np.testing.assert_array_equal(written, layout(snapshot.vectors, snapshot.ids))
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.django_db
def test_a_map_that_was_stopped_leaves_the_former_file(tmp_path, monkeypatch):
    cast.experts(40)
    snapshot = built_snapshot()
    target = tmp_path / "000001.npy"
    target.write_bytes(b"former")

    def stop(share: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        project(snapshot, target, advance=stop)

    def fail(file: object, array: object, **options: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(positions.np, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        project(snapshot, target)
    assert target.read_bytes() == b"former"
    assert list(Path(tmp_path).iterdir()) == [target]
