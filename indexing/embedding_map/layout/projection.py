"""The 2-D map of a version. Seconds to minutes, so only in a worker."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexing.embedding_map.layout import tsne
from indexing.embedding_map.layout.progress import Advance, Parts, never
from indexing.embedding_map.positions import Positions, beside, save
from indexing.snapshot.lookup import find_rows
from indexing.snapshot.reader import Snapshot
from indexing.snapshot.vectors import Nearby

FIT_UP_TO = 50_000
"""Experts that are laid out together; of more, a sample is, and the rest is placed beside its neighbours."""
FEW = 30
"""Up to so many t-SNE has too few neighbours (of 7 experts it makes one point): principal components instead."""
PLACED_BY = 10  # neighbours among whom a point is placed that was not laid out
BLOCK = 2_048  # points placed at once: in less than a second, with nothing of the size of all vectors
SAME = 1e-6
"""Vectors that differ by less in every dimension are one point: nothing can be laid out."""


@dataclass(frozen=True, slots=True, eq=False)
class Previous:
    """An earlier map."""

    ids: NDArray[np.int64]
    positions: Positions
    same_model: bool = True
    """Else other experts are neighbours now: a few iterations from these places would not bring them together."""


def project(
    snapshot: Snapshot,
    target: Path,
    *,
    previous: Previous | None = None,
    advance: Advance = never,
    n_jobs: int = 1,
) -> None:
    """Write the positions of the version's experts, float32[n, 2] in the order of its ids, to `target`.

    Experts stay about where they were on the `previous` map, new ones begin beside their neighbours. The file
    appears whole or not at all. Raises what `advance` raises, to stop it.
    One thread by default: where other processes are busy, two wait for each other (300 experts: 50 ms per iteration
    against 1.5), and at 10,000 the second saves a quarter of ten seconds.
    """
    save(layout(snapshot.vectors, snapshot.ids, previous=previous, advance=advance, n_jobs=n_jobs), target)


def layout(
    vectors: NDArray[np.float32],
    ids: NDArray[np.int64],
    *,
    previous: Previous | None = None,
    advance: Advance = never,
    n_jobs: int = 1,
    fit_up_to: int = FIT_UP_TO,
) -> Positions:
    """Positions float32[n, 2] of unit vectors float32[n, d]; the same input on the same machine gives the same."""
    n = len(vectors)
    advance(0.0)
    if n <= FEW:
        return _turned(_principal_components(vectors), ids, previous)
    chosen = sample(ids, fit_up_to)
    fitted = np.ascontiguousarray(vectors[chosen])
    start = _start_from(fitted, ids[chosen], previous, lambda share: advance(0.0))
    iterations = tsne.seconds_for(len(fitted), warm=start is not None)
    parts = Parts(
        advance,
        {
            "fit": tsne.seconds_to_compare(fitted, len(fitted)) + iterations,
            "place": tsne.seconds_to_compare(fitted, n - len(fitted)) / 3,  # as `Nearby` does
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
    return positions if start is not None else _turned(positions, ids, previous)


def sample(ids: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Rows of the `count` experts who are laid out, rising; all rows where there are no more.

    Those with the smallest hash of their id (the finaliser of splitmix64): whoever comes or goes displaces one other
    at most, so that versions share their sample and a map can start from the last one. A random choice of rows would
    be another one with every expert who comes.
    """
    if len(ids) <= count:
        return np.arange(len(ids))
    mixed = ids.astype(np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    return np.sort(np.argpartition(mixed, count - 1)[:count])


def _principal_components(vectors: NDArray[np.float32]) -> Positions:
    """The two directions of largest spread; a circle where there is none."""
    if len(vectors) < 3 or np.ptp(vectors, axis=0).max() < SAME:
        return _circle(len(vectors))
    left, spread, _ = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    signs = np.sign(left[np.abs(left[:, :2]).argmax(axis=0), [0, 1]])  # which of the two is arbitrary otherwise
    return np.asarray(left[:, :2] * spread[:2] * signs, np.float32)


def _circle(n: int) -> Positions:
    angles = np.arange(n) * (2 * np.pi / max(n, 1))
    radius = 0.0 if n == 1 else 1.0
    return (radius * np.column_stack([np.cos(angles), np.sin(angles)])).astype(np.float32)


def _start_from(
    vectors: NDArray[np.float32], ids: NDArray[np.int64], previous: Previous | None, advance: Advance
) -> Positions | None:
    """Where the points stood on the previous map; None where most of them were not on it."""
    if previous is None or not previous.same_model or not len(previous.ids):
        return None
    old_ids, old_positions = previous.ids, previous.positions
    order = np.argsort(old_ids)
    found, known = find_rows(old_ids[order], ids)
    rows = order[found]
    if known.sum() * 2 < len(ids) or known.sum() <= FEW or not np.isfinite(old_positions).all():
        return None
    start = np.empty((len(ids), 2), np.float32)
    start[known] = old_positions[rows[known]]
    if not known.all():
        new = np.flatnonzero(~known)
        start[new] = _beside_neighbours(vectors, new, vectors[known], start[known], advance)
    return start


def _turned(positions: Positions, ids: NDArray[np.int64], previous: Previous | None) -> Positions:
    """A map made afresh, turned, mirrored and shifted so that it lies over the previous one as well as it can.

    Which way up it comes out is arbitrary otherwise. The rotation is that of the orthogonal Procrustes problem
    (Schoenemann 1966): U V' of the singular value decomposition of A' B, both centred.
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
    advance: Advance,
) -> Positions:
    """A place, float32[m, 2], for each of m rows of `vectors` beside its nearest neighbours among those placed."""
    places = np.empty((len(rows), 2), np.float32)
    if not len(rows):
        return places
    nearby = Nearby(placed)
    for begin in range(0, len(rows), BLOCK):
        some = slice(begin, begin + BLOCK)
        neighbours = nearby.search(vectors[rows[some]], min(PLACED_BY, len(placed)))
        places[some] = beside(positions, neighbours)
        advance(min(begin + BLOCK, len(rows)) / len(rows))
    return places
