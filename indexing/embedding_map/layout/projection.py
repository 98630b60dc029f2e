"""Lay out the experts of a version on a 2-D map. It takes seconds to minutes, so only a worker does it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexing.embedding_map.layout import tsne
from indexing.embedding_map.layout.progress import ProgressCallback, WeightedProgress, ignore_progress
from indexing.embedding_map.positions import Positions, between_neighbours, save
from indexing.snapshot.lookup import find_rows
from indexing.snapshot.reader import Snapshot
from indexing.snapshot.vectors import Nearby

FIT_UP_TO = 50_000
"""Experts that t-SNE lays out together. Of more, it lays out a sample; the rest is placed among its neighbours."""
TOO_FEW = 30
"""Up to this many experts t-SNE has too few neighbours (7 experts become one point): principal components then."""
NEIGHBOURS = 10
"""Neighbours among which a point is placed that was not laid out."""
BLOCK = 2_048
"""Points that are placed at once: less than a second of work, and no array of the size of all vectors."""
SAME = 1e-6
"""If all vectors differ by less than this in every dimension, there is nothing to lay out."""


@dataclass(frozen=True, slots=True, eq=False)
class PreviousMap:
    """An earlier map to start from."""

    ids: NDArray[np.int64]
    """int64[m], in any order"""
    positions: Positions
    """float32[m, 2], in the order of `ids`"""
    same_model: bool = True
    """If not, experts have other neighbours now, and a few iterations from here would not bring them together."""


def project(
    snapshot: Snapshot,
    target: Path,
    *,
    previous: PreviousMap | None = None,
    advance: ProgressCallback = ignore_progress,
    n_jobs: int = 1,
) -> None:
    """Write the positions of the version's experts, float32[n, 2] in the order of its ids, to `target`.

    Experts stay about where they were on the `previous` map, and new ones start among their neighbours. The file
    appears whole or not at all. Raises OSError, and whatever `advance` raises to stop the computation.
    """
    # One thread by default: on a busy machine two wait for each other (300 experts: 50 ms per iteration instead of
    # 1.5), and at 10,000 experts the second one saves only a quarter of ten seconds.
    save(layout(snapshot.vectors, snapshot.ids, previous=previous, advance=advance, n_jobs=n_jobs), target)


def layout(
    vectors: NDArray[np.float32],
    ids: NDArray[np.int64],
    *,
    previous: PreviousMap | None = None,
    advance: ProgressCallback = ignore_progress,
    n_jobs: int = 1,
    fit_up_to: int = FIT_UP_TO,
) -> Positions:
    """Positions float32[n, 2] for unit vectors float32[n, d] of the experts `ids`, int64[n].

    Deterministic: the same input on the same machine gives the same map. Principal components up to TOO_FEW experts;
    t-SNE up to `fit_up_to`; above, t-SNE of a sample, and the rest among its nearest neighbours in the sample.
    """
    n = len(vectors)
    advance(0.0)
    if n <= TOO_FEW:
        return _aligned(_principal_components(vectors), ids, previous)
    chosen = sample(ids, fit_up_to)
    fitted = np.ascontiguousarray(vectors[chosen])
    start = _start_from(fitted, ids[chosen], previous, lambda share: advance(0.0))
    iterations = tsne.seconds_for(len(fitted), warm=start is not None)
    parts = WeightedProgress(
        advance,
        {
            "fit": tsne.seconds_to_compare(fitted, len(fitted)) + iterations,
            "place": tsne.seconds_to_compare(fitted, n - len(fitted)) / 3,  # `Nearby` needs a third of the time
        },
    )
    if np.ptp(fitted, axis=0).max() < SAME:
        laid_out = _circle(len(fitted))
    else:
        laid_out = tsne.optimise(fitted, start, parts.part("fit"), n_jobs=n_jobs, seconds=iterations)
    positions = np.empty((n, 2), np.float32)
    positions[chosen] = laid_out
    rest = np.setdiff1d(np.arange(n), chosen, assume_unique=True)
    positions[rest] = _beside_neighbours(vectors, rest, fitted, laid_out, parts.part("place"))
    return positions if start is not None else _aligned(positions, ids, previous)


def sample(ids: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Rows int64[count], rising, of the experts to lay out; all rows if there are no more than `count`.

    The sample consists of the smallest hashes of the ids (the finaliser of splitmix64: Steele, Lea and Flood, OOPSLA
    2014). An expert who is added or removed then changes the sample by one at most, so successive versions share it
    and a map can start from the last one. A random choice of rows would change with every new expert.
    """
    if len(ids) <= count:
        return np.arange(len(ids))
    mixed = ids.astype(np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    return np.sort(np.argpartition(mixed, count - 1)[:count])


def _principal_components(vectors: NDArray[np.float32]) -> Positions:
    """The two directions of largest variance, float32[n, 2]; a circle if all vectors are the same."""
    if len(vectors) < 3 or np.ptp(vectors, axis=0).max() < SAME:
        return _circle(len(vectors))
    left, spread, _ = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    signs = np.sign(left[np.abs(left[:, :2]).argmax(axis=0), [0, 1]])  # a component's sign is arbitrary otherwise
    return np.asarray(left[:, :2] * spread[:2] * signs, np.float32)


def _circle(n: int) -> Positions:
    """n positions on the unit circle, float32[n, 2]; a single one is at the centre."""
    angles = np.arange(n) * (2 * np.pi / max(n, 1))
    radius = 0.0 if n == 1 else 1.0
    return (radius * np.column_stack([np.cos(angles), np.sin(angles)])).astype(np.float32)


def _start_from(
    vectors: NDArray[np.float32], ids: NDArray[np.int64], previous: PreviousMap | None, advance: ProgressCallback
) -> Positions | None:
    """Starting positions float32[n, 2] from the previous map; None if it has too few of these experts."""
    if previous is None or not previous.same_model or not len(previous.ids):
        return None
    old_ids, old_positions = previous.ids, previous.positions
    order = np.argsort(old_ids)
    found, known = find_rows(old_ids[order], ids)
    rows = order[found]
    if known.sum() * 2 < len(ids) or known.sum() <= TOO_FEW or not np.isfinite(old_positions).all():
        return None
    start = np.empty((len(ids), 2), np.float32)
    start[known] = old_positions[rows[known]]
    if not known.all():
        new = np.flatnonzero(~known)
        start[new] = _beside_neighbours(vectors, new, vectors[known], start[known], advance)
    return start


def _aligned(positions: Positions, ids: NDArray[np.int64], previous: PreviousMap | None) -> Positions:
    """A new map, rotated, mirrored and shifted to lie over the previous one as closely as possible.

    Its orientation is arbitrary otherwise. The rotation solves the orthogonal Procrustes problem (Schönemann,
    Psychometrika 31(1), 1966): U V' of the singular value decomposition of A' B, both centred.
    """
    if previous is None:
        return positions
    _ids, here, there = np.intersect1d(ids, previous.ids, assume_unique=True, return_indices=True)
    now, then = positions[here].astype(np.float64), previous.positions[there].astype(np.float64)
    if len(here) < 3 or not np.isfinite(then).all():
        return positions
    middle, aim = now.mean(axis=0), then.mean(axis=0)
    left, _, right = np.linalg.svd((now - middle).T @ (then - aim))
    return ((positions - middle) @ (left @ right) + aim).astype(np.float32)


def _beside_neighbours(
    vectors: NDArray[np.float32],
    rows: NDArray[np.int64],
    placed: NDArray[np.float32],
    positions: Positions,
    advance: ProgressCallback,
) -> Positions:
    """Positions float32[m, 2] for m `rows` of `vectors`, each among its nearest neighbours in `placed`.

    `placed` float32[p, d] are vectors whose `positions`, float32[p, 2], are known.
    """
    places = np.empty((len(rows), 2), np.float32)
    if not len(rows):
        return places
    nearby = Nearby(placed)
    for begin in range(0, len(rows), BLOCK):
        some = slice(begin, begin + BLOCK)
        neighbours = nearby.search(vectors[rows[some]], min(NEIGHBOURS, len(placed)))
        places[some] = between_neighbours(positions, neighbours)
        advance(min(begin + BLOCK, len(rows)) / len(rows))
    return places
