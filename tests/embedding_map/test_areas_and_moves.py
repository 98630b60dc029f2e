"""Area names, positions among neighbours and moves: pure functions over positions."""

from __future__ import annotations

import numpy as np
import pytest

from indexing.embedding_map import positions as position_files
from indexing.embedding_map.areas import MOST, Area, hills, named_areas, smoothed
from indexing.embedding_map.moves import moves
from indexing.errors import SnapshotInvalid

EVERYBODY, BAKERS, SAILORS, RARE = 1, 2, 3, 4


def crowds(*middles: tuple[float, float], each: int = 60, seed: int = 0) -> np.ndarray:
    """Positions float32[n, 2] of `each` experts around each of the middles."""
    random = np.random.default_rng(seed)
    return (np.repeat(middles, each, axis=0) + random.normal(scale=0.4, size=(each * len(middles), 2))).astype(
        np.float32
    )


def tagged(*groups: tuple[int, np.ndarray | range]) -> tuple[np.ndarray, np.ndarray]:
    """Rows and their tags, of (tag, rows)."""
    rows = np.concatenate([np.asarray(rows) for _tag, rows in groups])
    tags = np.concatenate([np.full(len(rows), tag) for tag, rows in groups])
    return rows, tags


def test_an_area_is_called_by_what_is_commoner_there_than_elsewhere():
    positions = crowds((0, 0), (20, 5))
    rows, tags = tagged((EVERYBODY, range(120)), (BAKERS, range(0, 60, 2)), (SAILORS, range(60, 115)), (RARE, [0, 1]))
    found = named_areas(positions, rows, tags)
    by_tag = {area.tag: area for area in found}
    assert set(by_tag) == {BAKERS, SAILORS}  # not what all have, nor what two of sixty have
    assert (by_tag[BAKERS].x, by_tag[BAKERS].y) == pytest.approx((0, 0), abs=1)
    assert (by_tag[SAILORS].x, by_tag[SAILORS].y) == pytest.approx((20, 5), abs=1)
    assert found[0].tag == SAILORS  # says more: 55 of 60 there, none elsewhere
    assert 0 < by_tag[SAILORS].count <= 55


def test_no_name_stands_twice_nearby_but_may_far_away():
    positions = crowds((0, 0), (3, 0), (60, 60), (60, 0), (0, 60))
    found = named_areas(positions, *tagged((BAKERS, range(180)), (SAILORS, range(180, 300))))
    bakers = [(area.x, area.y) for area in found if area.tag == BAKERS]
    assert len(bakers) == 2
    assert np.linalg.norm(np.subtract(*bakers)) > 50


def test_names_are_the_same_for_the_same_map_and_limited():
    random = np.random.default_rng(3)
    positions = random.normal(scale=10, size=(3_000, 2)).astype(np.float32)
    tags = ((positions[:, 0] // 4) * 100 + positions[:, 1] // 4 + 10_000).astype(np.int64)
    found = named_areas(positions, np.arange(3_000), tags)
    assert found == named_areas(positions, np.arange(3_000), tags)
    assert 10 < len(found) <= MOST
    assert named_areas(positions, np.arange(3_000), tags, most=5) == found[:5]


@pytest.mark.parametrize("n", [0, 1, 2, 3, 50])
def test_where_all_stand_in_one_place_nothing_is_distinctive(n):
    positions = np.ones((n, 2), np.float32)
    assert named_areas(positions, np.arange(n), np.full(n, BAKERS)) == []
    assert named_areas(positions, np.arange(0), np.arange(0)) == []


def test_a_tag_of_one_corner_names_it_even_on_a_line():
    positions = np.column_stack([np.arange(100), np.zeros(100)]).astype(np.float32)
    found = named_areas(positions, np.arange(10), np.full(10, BAKERS))
    assert found
    assert all(isinstance(area, Area) and area.x < 20 for area in found)


def test_every_cell_climbs_to_a_maximum():
    counts = np.zeros((40, 40))
    counts[10, 10], counts[28, 25] = 10, 20
    density = smoothed(counts)
    assert density.sum() == pytest.approx(30, rel=1e-6)
    peaks, hill = hills(density)
    assert (peaks[0], peaks[1]) == (28 * 40 + 25, 10 * 40 + 10)
    assert hill[12 * 40 + 11] == 1
    assert hill[26 * 40 + 25] == 0


def test_an_expert_near_two_groups_is_placed_in_the_larger_one():
    positions = np.array([[0, 0], [0.2, 0], [0, 0.2], [10, 10], [10.1, 10]], np.float32)
    place = position_files.between_neighbours(positions, np.array([[0, 1, 2, 3, 4], [3, 4, 3, 4, 0]]))
    assert place[0] == pytest.approx((0, 0), abs=0.2)
    assert place[1] == pytest.approx((10, 10), abs=0.2)


@pytest.mark.parametrize("neighbours", [1, 2, 10])
def test_places_are_the_same_in_blocks(neighbours, monkeypatch):
    random = np.random.default_rng(0)
    positions = random.normal(size=(50, 2)).astype(np.float32)
    rows = random.integers(50, size=(37, neighbours))
    at_once = position_files.between_neighbours(positions, rows)
    monkeypatch.setattr(position_files, "BLOCK", 5)
    np.testing.assert_array_equal(position_files.between_neighbours(positions, rows), at_once)


def test_distances_are_shares_of_the_radius_of_those_on_both_maps():
    old = np.array([[0, 0], [0, 3], [5, 5]], np.float32)
    new = np.array([[-4, 0], [4, 0], [0, 3], [0, -3]], np.float32)
    found = moves(np.array([7, 2, 5]), old, np.array([9, 8, 2, 7]), new)
    assert found.ids.tolist() == [2, 7]
    assert found.radius == 4
    assert found.distances.tolist() == [0, 0.75]
    assert found.median == 0.375
    assert found.farthest().tolist() == [1]


def test_maps_without_a_common_expert_have_no_moves():
    nobody = np.empty((0, 2), np.float32)
    found = moves(np.arange(3), np.zeros((3, 2), np.float32), np.arange(0), nobody)
    assert (found.median, found.radius, found.farthest().tolist()) == (None, 0, [])


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (b"", "cannot be read"),
        (b"not an array", "cannot be read"),
        (np.zeros((3, 2), np.float32), "expected: float32\\[4, 2\\]"),
        (np.zeros((4, 2), np.float64), "is float64"),
        (np.full((4, 2), np.inf, np.float32), "not finite"),
    ],
)
def test_a_file_that_cannot_be_a_map_is_explained(tmp_path, written, why):
    file = tmp_path / "000001.npy"
    with pytest.raises(SnapshotInvalid, match="cannot be read"):
        position_files.load(file, 4)
    if isinstance(written, bytes):
        file.write_bytes(written)
    else:
        position_files.save(written, file)
    with pytest.raises(SnapshotInvalid, match=why):
        position_files.load(file, 4)
