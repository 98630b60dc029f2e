"""How well an approximate index finds the nearest rows, and the least effort with which it finds enough of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indexing.snapshot.engine import SearchableVectors
from indexing.snapshot.list_index import LISTS_LOOKED_AT
from indexing.snapshot.manifest import HNSW, IVF
from indexing.snapshot.vectors import EF_SEARCH

WANTED = 0.97
"""recall@10 that an index has to reach."""
EFFORTS = (EF_SEARCH, 256, 512, 1_024, 2_048)
"""Tried in this order. Less than the first saves no time that anybody would notice: encoding a query takes longer."""
LIST_EFFORTS = (LISTS_LOOKED_AT, 32, 64, 128, 256)
"""The same for an index of lists."""
SAMPLE = 1_000
RECALL_AT = 10
AT_ONCE = 8_192
TIE = 1e-5
"""Similarities closer than this are equal: the same text may be ten times in the directory."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What an index finds with some effort."""

    effort: int
    """efSearch of HNSW: how many candidates are kept while the graph is walked; or how many lists are looked at."""
    recall: float
    """recall@10, see `Truth`."""
    kind: str = HNSW
    """Of the index: HNSW or IVF."""


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
    def of(cls, vectors: NDArray[np.float32], sample: int = SAMPLE, among: NDArray[np.int64] | None = None) -> Self:
        """About unit `vectors`, float32[n, d], or the rows `among` them, int64[t].

        `sample` of them, evenly spread, are the queries.
        """
        count = len(vectors) if among is None else len(among)
        rows = np.unique(np.linspace(0, count - 1, min(sample, count), dtype=np.int64))
        queries = np.ascontiguousarray(vectors[rows if among is None else among[rows]], np.float32)
        return cls(vectors, queries, _kth_highest(vectors, among, queries, min(RECALL_AT, count)))

    def recall(self, index: SearchableVectors) -> float:
        """recall@10 of an index over the vectors: the share of its hits that are as near as the tenth nearest."""
        rows, _ = index.search(self.queries, min(RECALL_AT, len(self.vectors)))
        found = np.einsum("mkd,md->mk", self.vectors[rows], self.queries)  # by the vectors, not as the index has it
        return float(np.mean((rows >= 0) & (found >= self.tenth[:, np.newaxis] - TIE)))


def least_effort(
    index: SearchableVectors,
    vectors: NDArray[np.float32],
    wanted: float = WANTED,
    among: NDArray[np.int64] | None = None,
) -> Quality:
    """The first of the efforts with which `index` reaches `wanted`; else the last one.

    It is over `vectors`, float32[n, d], or the rows `among` them, int64[t].
    """
    truth = Truth.of(vectors, among=among)
    for effort in LIST_EFFORTS if index.kind == IVF else EFFORTS:
        quality = Quality(effort, truth.recall(index.with_effort(effort)), index.kind)
        if quality.recall >= wanted:
            break
    return quality


def _kth_highest(
    vectors: NDArray[np.float32], among: NDArray[np.int64] | None, queries: NDArray[np.float32], k: int
) -> NDArray[np.float32]:
    """float32[m]: the k-th highest similarity of each of `queries`, float32[m, d], to the rows `among`, int64[t], of
    `vectors`, float32[n, d], or to all. They are read a block at a time; t >= k."""
    best = np.empty((len(queries), 0), np.float32)
    for start in range(0, len(vectors) if among is None else len(among), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        block = np.asarray(vectors[some if among is None else among[some]], np.float32)
        best = _highest(np.concatenate([best, _highest(queries @ block.T, k)], axis=1), k)
    return best.min(axis=1)


def _highest(similarities: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    """float32[m, min(k, c)]: the k highest of each row of float32[m, c], in no order."""
    return np.partition(similarities, -k, axis=1)[:, -k:] if similarities.shape[1] > k else similarities
