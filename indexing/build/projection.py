"""The 2-D map of a version: t-SNE over the neighbours that FAISS finds. Seconds to minutes, so only in a worker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from openTSNE import OptimizationInterrupt, TSNEEmbedding, affinity, initialization
from openTSNE.nearest_neighbors import PrecomputedNeighbors

from indexing.errors import Cancelled
from indexing.snapshot.positions import Positions, beside, save
from indexing.snapshot.reader import Snapshot
from indexing.snapshot.vectors import nearest

Previous = tuple[NDArray[np.int64], Positions]

PERPLEXITY = 30
SEED = 42
FIT_UP_TO = 50_000
"""Experts that are laid out together; of more, a sample is, and the rest is placed beside its neighbours."""
FEW = 30
"""Up to so many t-SNE has too few neighbours (of 7 experts it makes one point): principal components instead."""
PLACED_BY = 10  # neighbours whose median is the place of a point that was not laid out
EARLY_ITERATIONS, ITERATIONS, WARM_ITERATIONS = 250, 500, 100
EARLY_MOMENTUM, MOMENTUM = 0.5, 0.8
EXAGGERATION, WEAK_EXAGGERATION, WEAK_BELOW = 12, 4, 300
"""Fewer than about 100 points pulled together twelvefold fall into one (5 of 60 layouts tried; with 4 none)."""
GRID_FROM = 3_000
"""Experts from which the grid (fft) beats the tree (bh): at 10,000 10 against 25 ms per iteration."""
SAME = 1e-6
"""Vectors that differ by less in every dimension are one point: nothing can be laid out."""
ASK_EVERY = 10  # iterations between two looks at `cancelled`


def never() -> bool:
    return False


def project(
    snapshot: Snapshot,
    target: Path,
    *,
    previous: Previous | None = None,
    cancelled: Callable[[], bool] = never,
    n_jobs: int = 1,
) -> None:
    """Write the positions of the version's experts, float32[n, 2] in the order of its ids, to `target`.

    `previous` is (ids, positions) of an earlier map: experts stay about where they were then, new ones begin
    beside their neighbours. The file appears whole or not at all. Raises Cancelled when `cancelled()` turns true.
    One thread by default: where other processes are busy, two wait for each other (300 experts: 50 ms per iteration
    against 1.5), and at 10,000 the second saves a quarter of ten seconds.
    """
    positions = layout(snapshot.vectors, snapshot.ids, previous=previous, cancelled=cancelled, n_jobs=n_jobs)
    save(positions, target)


def layout(
    vectors: NDArray[np.float32],
    ids: NDArray[np.int64],
    *,
    previous: Previous | None = None,
    cancelled: Callable[[], bool] = never,
    n_jobs: int = 1,
    fit_up_to: int = FIT_UP_TO,
) -> Positions:
    """Positions float32[n, 2] of unit vectors float32[n, d]; the same input on the same machine gives the same."""
    n = len(vectors)
    if n <= FEW:
        return _principal_components(vectors)
    if n <= fit_up_to:
        start = _start_from(vectors, ids, previous)
        return _optimise(np.ascontiguousarray(vectors), start, cancelled, n_jobs)
    chosen = np.sort(np.random.default_rng(SEED).choice(n, fit_up_to, replace=False))
    fitted = np.ascontiguousarray(vectors[chosen])
    start = _start_from(fitted, ids[chosen], previous)
    positions = np.empty((n, 2), np.float32)
    positions[chosen] = _optimise(fitted, start, cancelled, n_jobs)
    rest = np.setdiff1d(np.arange(n), chosen, assume_unique=True)
    positions[rest] = _beside_neighbours(vectors[rest], fitted, positions[chosen])
    return positions


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


def _start_from(vectors: NDArray[np.float32], ids: NDArray[np.int64], previous: Previous | None) -> Positions | None:
    """Where the points stood on the previous map; None where most of them were not on it."""
    if previous is None or not len(previous[0]):
        return None
    old_ids, old_positions = previous
    order = np.argsort(old_ids)
    found = np.minimum(np.searchsorted(old_ids, ids, sorter=order), len(old_ids) - 1)
    rows = order[found]
    known = old_ids[rows] == ids
    if known.sum() * 2 < len(ids) or known.sum() <= FEW or not np.isfinite(old_positions).all():
        return None
    start = np.empty((len(ids), 2), np.float32)
    start[known] = old_positions[rows[known]]
    if not known.all():
        start[~known] = _beside_neighbours(vectors[~known], vectors[known], start[known])
    return start


def _beside_neighbours(vectors: NDArray[np.float32], placed: NDArray[np.float32], positions: Positions) -> Positions:
    """A place for each vector beside its nearest neighbours among those already placed."""
    rows, _ = nearest(np.ascontiguousarray(placed), np.ascontiguousarray(vectors), min(PLACED_BY, len(placed)))
    return beside(positions, rows)


def _optimise(
    vectors: NDArray[np.float32], start: Positions | None, cancelled: Callable[[], bool], n_jobs: int
) -> Positions:
    """t-SNE as its authors advise: early exaggeration, then without; from a former map only the latter, briefly."""
    if cancelled():
        raise Cancelled
    if np.ptp(vectors, axis=0).max() < SAME:
        return _circle(len(vectors))
    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    neighbours = PrecomputedNeighbors(*_neighbours(vectors, int(3 * perplexity)))
    embedding = TSNEEmbedding(
        initialization.pca(vectors, random_state=SEED) if start is None else start,
        affinity.PerplexityBasedNN(knn_index=neighbours, perplexity=perplexity, n_jobs=n_jobs),
        n_jobs=n_jobs,
        negative_gradient_method="fft" if len(vectors) >= GRID_FROM else "bh",
        random_state=SEED,
        callbacks=lambda iteration, error, positions: cancelled(),
        callbacks_every_iters=ASK_EVERY,
    )
    stop = {"inplace": True, "propagate_exception": True}
    try:
        if start is None:
            pull = EXAGGERATION if len(vectors) >= WEAK_BELOW else WEAK_EXAGGERATION
            embedding.optimize(EARLY_ITERATIONS, exaggeration=pull, momentum=EARLY_MOMENTUM, **stop)
        embedding.optimize(ITERATIONS if start is None else WARM_ITERATIONS, momentum=MOMENTUM, **stop)
    except OptimizationInterrupt:
        raise Cancelled from None
    return np.asarray(embedding, np.float32)


def _neighbours(vectors: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The k nearest other rows and their Euclidean distances, by which t-SNE measures: sqrt(2 - 2 cos)."""
    rows, similarities = nearest(vectors, vectors, k + 1)
    others = rows != np.arange(len(rows))[:, np.newaxis]
    others[others.all(axis=1), -1] = False  # among many identical vectors a row may not be its own neighbour
    shape = (len(rows), k)
    distances = np.sqrt(np.maximum(2 - 2 * similarities[others].reshape(shape).astype(np.float64), 0))
    return rows[others].reshape(shape), distances
