"""How well an approximate index finds the nearest rows, and the least effort with which it finds enough of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indexing.snapshot.engine import SearchableVectors
from indexing.snapshot.vectors import EF_SEARCH, nearest

WANTED = 0.97
"""recall@10 that an index has to reach."""
EFFORTS = (EF_SEARCH, 256, 512, 1_024, 2_048)
"""Tried in this order. Less than the first saves no time that anybody would notice: encoding a query takes longer."""
SAMPLE = 1_000
RECALL_AT = 10
TIE = 1e-5
"""Similarities closer than this are equal: the same text may be ten times in the directory."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What an index finds with some effort."""

    effort: int
    """efSearch of HNSW: how many candidates are kept while the graph is walked."""
    recall: float
    """recall@10, see `Truth`."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """How near the nearest ten really are to some of the vectors, found by comparing all of them."""

    vectors: NDArray[np.float32]
    """float32[n, d]: all."""
    queries: NDArray[np.float32]
    """float32[m, d]: those that are looked for."""
    tenth: NDArray[np.float32]
    """float32[m]: the cosine similarity of the tenth nearest; of the last one if there are fewer."""

    @classmethod
    def of(cls, vectors: NDArray[np.float32], sample: int = SAMPLE) -> Self:
        """About unit `vectors`, float32[n, d]; `sample` of them, evenly spread, are the queries."""
        rows = np.linspace(0, len(vectors) - 1, min(sample, len(vectors)), dtype=np.int64)
        queries = np.ascontiguousarray(vectors[np.unique(rows)], np.float32)
        _, similarities = nearest(vectors, queries, min(RECALL_AT, len(vectors)))
        return cls(vectors, queries, similarities[:, -1])

    def recall(self, index: SearchableVectors) -> float:
        """recall@10 of an index over the vectors: the share of its hits that are as near as the tenth nearest."""
        rows, _ = index.search(self.queries, min(RECALL_AT, len(self.vectors)))
        found = np.einsum("mkd,md->mk", self.vectors[rows], self.queries)  # by the vectors, not as the index has it
        return float(np.mean((rows >= 0) & (found >= self.tenth[:, np.newaxis] - TIE)))


def least_effort(index: SearchableVectors, vectors: NDArray[np.float32], wanted: float = WANTED) -> Quality:
    """The first of EFFORTS with which `index` over `vectors`, float32[n, d], reaches `wanted`; else the last one."""
    truth = Truth.of(vectors)
    for effort in EFFORTS:
        quality = Quality(effort, truth.recall(index.with_effort(effort)))
        if quality.recall >= wanted:
            break
    return quality
