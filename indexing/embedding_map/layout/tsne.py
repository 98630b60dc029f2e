"""t-SNE (van der Maaten and Hinton, JMLR 9, 2008) with openTSNE, over the neighbours that FAISS finds.

The gradient is approximated by a tree (Barnes-Hut: van der Maaten, JMLR 15, 2014) or, for many points, on a grid
(FIt-SNE: Linderman et al., Nature Methods 16, 2019). This is the only module that imports openTSNE.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexing.embedding_map.layout.progress import ProgressCallback, WeightedProgress
from indexing.embedding_map.positions import Positions
from indexing.snapshot.vectors import nearest

PERPLEXITY = 30
SEED = 42
EARLY_ITERATIONS, ITERATIONS, WARM_ITERATIONS = 250, 500, 100
EARLY_MOMENTUM, MOMENTUM = 0.5, 0.8
EXAGGERATION, WEAK_EXAGGERATION, WEAK_BELOW = 12, 4, 300
"""With twelvefold exaggeration, fewer than about 100 points collapse into one (5 of 60 layouts; none with 4)."""
GRID_FROM = 3_000
"""From this many points the grid (fft) is faster than the tree (bh): at 10,000, 10 ms per iteration against 25."""
REPORT_EVERY, OFTEN_FROM = 10, 5_000
"""Iterations between two reports; fewer above this many points, so that a cancel takes effect within a second."""
BLOCK = 2_048
"""Rows whose neighbours are searched at once: among 50,000 in about a second."""


def optimise(
    vectors: NDArray[np.float32], start: Positions | None, advance: ProgressCallback, *, n_jobs: int, seconds: float
) -> Positions:
    """Positions float32[n, 2] for unit vectors float32[n, d].

    As the method's authors advise: iterations with early exaggeration, then without. From a `start`, float32[n, 2],
    there are only a few of the latter. `seconds` is the expected time for the iterations, from `seconds_for`. Raises
    whatever `advance` raises, which is called between iterations.
    """
    library: Any = importlib.import_module("openTSNE")  # half a worker's start: only if needed
    knn: Any = importlib.import_module("openTSNE.nearest_neighbors")
    parts = WeightedProgress(
        advance, {"neighbours": seconds_to_compare(vectors, len(vectors)), "iterations": seconds}
    )
    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    neighbours = knn.PrecomputedNeighbors(*_neighbours(vectors, int(3 * perplexity), parts.part("neighbours")))
    report_iterations = parts.part("iterations")
    early = EARLY_ITERATIONS if start is None else 0
    whole = early + (ITERATIONS if start is None else WARM_ITERATIONS)
    done_before = 0

    def report(iteration: int, error: float, positions: object) -> None:
        report_iterations((done_before + iteration) / whole)

    embedding = library.TSNEEmbedding(
        library.initialization.pca(vectors, random_state=SEED) if start is None else start,
        library.affinity.PerplexityBasedNN(knn_index=neighbours, perplexity=perplexity, n_jobs=n_jobs),
        n_jobs=n_jobs,
        negative_gradient_method="fft" if len(vectors) >= GRID_FROM else "bh",
        random_state=SEED,
        callbacks=report,
        callbacks_every_iters=max(1, min(REPORT_EVERY, REPORT_EVERY * OFTEN_FROM // len(vectors))),
    )
    if early:
        pull = EXAGGERATION if len(vectors) >= WEAK_BELOW else WEAK_EXAGGERATION
        embedding.optimize(early, inplace=True, exaggeration=pull, momentum=EARLY_MOMENTUM)
        done_before = early
    embedding.optimize(whole - early, inplace=True, momentum=MOMENTUM)
    return np.asarray(embedding, np.float32)


def seconds_for(n: int, *, warm: bool) -> float:
    """Expected seconds for the iterations over n points: each takes 5 ms, and 2.5 ms for every 1,000 points."""
    iterations = WARM_ITERATIONS if warm else EARLY_ITERATIONS + ITERATIONS
    return iterations * (0.005 + n / 4e5)


def seconds_to_compare(vectors: NDArray[np.float32], queries: int) -> float:
    """Expected seconds to find the neighbours of `queries` vectors among all `vectors`, float32[n, d].

    Assumes 40 billion operations a second: half of what an idle core does.
    """
    return 2.0 * vectors.size * queries / 4e10


def _neighbours(
    vectors: NDArray[np.float32], k: int, advance: ProgressCallback
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The k nearest other rows of each unit vector, float32[n, d]: int64[n, k], and their distances, float64[n, k].

    Distances are Euclidean, as t-SNE expects: sqrt(2 - 2 cos). Raises whatever `advance` raises.
    """
    neighbours = np.empty((len(vectors), k), np.int64)
    distances = np.empty((len(vectors), k))
    for start in range(0, len(vectors), BLOCK):
        block = slice(start, start + BLOCK)
        rows, similarities = nearest(vectors, vectors[block], k + 1)
        others = rows != np.arange(start, start + len(rows))[:, np.newaxis]
        others[others.all(axis=1), -1] = False  # among many identical vectors a row may not be its own neighbour
        neighbours[block] = rows[others].reshape(-1, k)
        near = similarities[others].reshape(-1, k).astype(np.float64)
        distances[block] = np.sqrt(np.maximum(2 - 2 * near, 0))
        advance((start + len(rows)) / len(vectors))
    return neighbours, distances
