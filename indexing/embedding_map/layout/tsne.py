"""t-SNE over the neighbours that FAISS finds: the only importer of openTSNE."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexing.embedding_map.layout.progress import Advance, Parts
from indexing.embedding_map.positions import Positions
from indexing.snapshot.vectors import nearest

PERPLEXITY = 30
SEED = 42
EARLY_ITERATIONS, ITERATIONS, WARM_ITERATIONS = 250, 500, 100
EARLY_MOMENTUM, MOMENTUM = 0.5, 0.8
EXAGGERATION, WEAK_EXAGGERATION, WEAK_BELOW = 12, 4, 300
"""Fewer than about 100 points pulled together twelvefold fall into one (5 of 60 layouts tried; with 4 none)."""
GRID_FROM = 3_000
"""Points from which the grid (fft) beats the tree (bh): at 10,000 10 against 25 ms per iteration."""
TOLD_EVERY, OFTEN_FROM = 10, 5_000
"""Iterations between two words of progress; from so many points on fewer, for a cancel to be heard in a second."""
BLOCK = 2_048  # rows whose neighbours are found at once: among 50,000 in about a second


def optimise(
    vectors: NDArray[np.float32], start: Positions | None, advance: Advance, *, n_jobs: int, seconds: float
) -> Positions:
    """Positions float32[n, 2] of unit vectors float32[n, d], as the method's authors advise: early exaggeration,
    then without; from a former map only the latter, briefly.

    `seconds` is what `seconds_for` expects. Raises what `advance` raises, which is called between iterations.
    """
    library: Any = importlib.import_module("openTSNE")  # half of a worker's start: only for a map that needs it
    knn: Any = importlib.import_module("openTSNE.nearest_neighbors")
    parts = Parts(advance, {"neighbours": seconds_to_compare(vectors, len(vectors)), "iterations": seconds})
    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    neighbours = knn.PrecomputedNeighbors(*_neighbours(vectors, int(3 * perplexity), parts.part("neighbours")))
    on_the_way = parts.part("iterations")
    early = EARLY_ITERATIONS if start is None else 0
    whole = early + (ITERATIONS if start is None else WARM_ITERATIONS)
    done_before = 0

    def tell(iteration: int, error: float, positions: object) -> None:
        on_the_way((done_before + iteration) / whole)

    embedding = library.TSNEEmbedding(
        library.initialization.pca(vectors, random_state=SEED) if start is None else start,
        library.affinity.PerplexityBasedNN(knn_index=neighbours, perplexity=perplexity, n_jobs=n_jobs),
        n_jobs=n_jobs,
        negative_gradient_method="fft" if len(vectors) >= GRID_FROM else "bh",
        random_state=SEED,
        callbacks=tell,
        callbacks_every_iters=max(1, min(TOLD_EVERY, TOLD_EVERY * OFTEN_FROM // len(vectors))),
    )
    if early:
        pull = EXAGGERATION if len(vectors) >= WEAK_BELOW else WEAK_EXAGGERATION
        embedding.optimize(early, inplace=True, exaggeration=pull, momentum=EARLY_MOMENTUM)
        done_before = early
    embedding.optimize(whole - early, inplace=True, momentum=MOMENTUM)
    return np.asarray(embedding, np.float32)


def seconds_for(n: int, *, warm: bool) -> float:
    """About how long the iterations over n points take: 5 ms each and 2.5 ms for every 1,000 points."""
    iterations = WARM_ITERATIONS if warm else EARLY_ITERATIONS + ITERATIONS
    return iterations * (0.005 + n / 4e5)


def seconds_to_compare(vectors: NDArray[np.float32], queries: int) -> float:
    """About how long it takes to find the neighbours of so many among all.

    At 40 billion operations a second: half of what one core does when it has nothing else to do.
    """
    return 2.0 * vectors.size * queries / 4e10


def _neighbours(
    vectors: NDArray[np.float32], k: int, advance: Advance
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The k nearest other rows and their Euclidean distances, by which t-SNE measures: sqrt(2 - 2 cos)."""
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
