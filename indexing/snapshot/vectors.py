"""The vectors of a version and the index over them.

In a small version a query is compared with every vector, in a large one with those that HNSW leads to (Malkov and
Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical Navigable Small World graphs",
2018), in a very large one with those in the lists of the nearest centres (`ListIndex`). All vectors have unit length,
so the inner product is the cosine similarity.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

LINKS = 32
EF_CONSTRUCTION = 40
EF_SEARCH = 128
"""The least effort of a search: a version may need more (`indexing.snapshot.recall`).
Measured with real sentence vectors: recall@10 .983 at 100,000 (0.6 ms), .957 at a million (0.8 ms);
64 gives .971 and .920 for half the time, which does not matter beside the 10 ms of encoding a query."""

ALL_THREADS = faiss.omp_get_max_threads()
"""As many as OMP_NUM_THREADS allows. Building uses all of them, a search one."""

EXACT_AMONG = 10_000
EXACT_SHARE = 20
"""Up to 10,000 selected rows, or one in 20, an approximate index is not used: every row is compared instead.

Measured at 100,000 rows, the first 100: 1,000 selected rows 0.1 ms (the graph with a selector: recall .32 in 0.9 ms,
.98 in 27 ms), 10,000 rows 4.5 ms (.99 in 7 ms), 20,000 rows 16 ms (1.0 in 9 ms): there the graph begins to win."""
GATHERED = 1_024  # rows copied out of the mapped vectors at once

LISTS, LOOKED_AT = 256, 8
"""Lists of `Nearby`, and how many of them a query looks at.

Among 50,000 perturbed sentence vectors: recall@10 .999 in a third of the exact comparison's time."""
EACH_LIST = 39  # vectors per list below which FAISS warns that it cannot find good centres

BLOCK = 16_384  # rows added at once, so that progress is reported and a cancel takes effect

GRAPH_UP_TO = 250_000
"""Vectors up to which the approximate index is HNSW, which holds every vector once more; beyond, it is a `ListIndex`.

Measured with a million derived vectors, one thread: HNSW .977 in 0.3 ms, .990 in 0.6 ms, 1.8 GB, built in 92 s; lists
1.000 in 0.4 ms, 0.4 GB, built in 26 s."""


class VectorIndex:
    """Approximate inner product search over unit vectors, memory-mapped and immutable; threads may search at once."""

    kind = "hnsw"

    def __init__(self, index: Any, effort: int = EF_SEARCH) -> None:
        """`effort` is efSearch: how many candidates a search keeps, at least."""
        self._index = index
        self.effort = effort

    @classmethod
    def open(cls, path: Path, effort: int = EF_SEARCH) -> VectorIndex:
        """Map the index file into memory. Raises RuntimeError if it is not an HNSW index of FAISS.

        The file may be removed while the index is open.
        """
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        if not hasattr(index, "hnsw"):
            raise RuntimeError("it is an index of another kind")
        return cls(index, effort)

    def with_effort(self, effort: int) -> VectorIndex:
        """The same index, searched with another effort."""
        return VectorIndex(self._index, effort)

    @property
    def count(self) -> int:
        """Number of vectors, n."""
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        """Floats per vector, d."""
        return int(self._index.d)

    def search(self, vectors: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The k nearest rows to each of m unit vectors, float32[m, d].

        Returns rows int64[m, min(k, n)] and their cosine similarities, float32 of the same shape, best first, filled
        up with row -1 where fewer are found.
        """
        faiss.omp_set_num_threads(1)  # requests run side by side already; this affects the calling thread only
        k = min(k, self.count)
        wrapped: Any = faiss  # the package's own type stub does not know this class
        params = wrapped.SearchParametersHNSW(efSearch=max(self.effort, k))
        similarities, rows = self._index.search(np.ascontiguousarray(vectors, np.float32), k, params=params)
        return rows, similarities

    def search_among(
        self, vectors: NDArray[np.float32], vector: NDArray[np.float32], k: int, mask: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The k nearest rows to a unit `vector`, float32[d], among those selected by `mask`, bool[n].

        `vectors` is float32[n, d], the vectors that the index was built from. Returns rows int64[m] and their cosine
        similarities float32[m], best first; m is k, or the number of selected rows if that is smaller.
        """
        faiss.omp_set_num_threads(1)
        selected = int(np.count_nonzero(mask))
        k = min(k, selected)
        if selected <= max(EXACT_AMONG, self.count // EXACT_SHARE):
            return compare_each(vectors, vector, k, np.flatnonzero(mask))
        wrapped: Any = faiss  # the package's own type stub does not know how selectors are made
        selector = wrapped.IDSelectorBitmap(np.packbits(mask, bitorder="little"))
        # The graph is walked through rows that are not selected too: the fewer are, the more must be looked at.
        breadth = max(self.effort, k) * self.count // selected
        params = wrapped.SearchParametersHNSW(efSearch=breadth, sel=selector)
        query = np.ascontiguousarray(vector[np.newaxis], np.float32)
        similarities, rows = self._index.search(query, k, params=params)
        if (rows[0] < 0).any():  # the walk found too few
            return compare_each(vectors, vector, k, np.flatnonzero(mask))
        return rows[0], similarities[0]


def compare_each(
    vectors: NDArray[np.float32], vector: NDArray[np.float32], k: int, rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The k of `rows` that are nearest to a unit `vector`, found by comparing every one of them.

    `vectors` is float32[n, d], `vector` float32[d], `rows` int64[s], ascending, with s >= k. Returns rows int64[k]
    and cosine similarities float32[k], best first; equal ones are ordered by row.
    """
    similarities = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), GATHERED):
        some = slice(start, start + GATHERED)
        similarities[some] = products(vectors[rows[some]], vector)
    best = best_of(similarities, k)
    return rows[best], similarities[best]


def best_of(similarities: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """The places int64[min(k, n)] of the highest of n similarities, best first; equal ones in their order."""
    if k < len(similarities):
        best = np.argpartition(-similarities, k - 1)[:k] if k else np.empty(0, np.int64)
    else:
        best = np.arange(len(similarities))
    return best[np.lexsort((best, -similarities[best]))]


def products(rows: NDArray[np.float32], vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """The inner product of each of `rows`, float32[m, d], with `vector`, float32[d]: float32[m]."""
    # By FAISS and not by `@`: OpenBLAS maps 32 MB for every multiplication that runs beside others, and ends the
    # process if it cannot get them. It takes no longer (200 rows of 384: 5 us, 10,000 rows: 1.0 ms).
    rows, vector = np.ascontiguousarray(rows, np.float32), np.ascontiguousarray(vector, np.float32)
    inner = np.empty(len(rows), np.float32)
    wrapped: Any = faiss  # the package's own type stub does not know this function
    pointer = wrapped.swig_ptr
    wrapped.fvec_inner_products_ny(pointer(inner), pointer(vector), pointer(rows), rows.shape[1], len(rows))
    return inner


def build_index(
    vectors: NDArray[np.float32], target: Path, *, advance: Callable[[int], None] | None = None
) -> VectorIndex:
    """Write an approximate index over unit `vectors`, float32[n, d], to `target`, and return it.

    `advance` is called with the number of rows added since its last call; what it raises ends the building and is
    passed on. Raises RuntimeError if the file cannot be written.
    """
    faiss.omp_set_num_threads(ALL_THREADS)
    index: Any = faiss.IndexHNSWFlat(vectors.shape[1], LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = EF_CONSTRUCTION
    for start in range(0, len(vectors), BLOCK):
        block = np.ascontiguousarray(vectors[start : start + BLOCK], np.float32)
        index.add(block)
        if advance is not None:
            advance(len(block))
    faiss.write_index(index, str(target))
    return VectorIndex(index)


def nearest(
    vectors: NDArray[np.float32], queries: NDArray[np.float32], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The exact k nearest of `vectors`, float32[n, d], to each of `queries`, float32[m, d], by inner product.

    Returns rows int64[m, k] and inner products float32[m, k], best first.
    """
    faiss.omp_set_num_threads(ALL_THREADS)
    similarities, rows = faiss.knn(queries, vectors, k, metric=faiss.METRIC_INNER_PRODUCT)
    return rows, similarities


class Nearby:
    """Approximate nearest rows for very many queries: an inverted-file index (FAISS IVF) built in a second or two.

    Each vector belongs to the nearest of LISTS centres, and a query is compared only with the vectors of its
    LOOKED_AT nearest centres. If there are few vectors, all of them are compared.
    """

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        """Build it over `vectors`, float32[n, d] of unit length. The same vectors always give the same index."""
        self._vectors = np.ascontiguousarray(vectors)
        self._index: Any = None
        if len(vectors) >= LISTS * EACH_LIST:
            faiss.omp_set_num_threads(ALL_THREADS)
            dimension = vectors.shape[1]
            centres = faiss.IndexFlatIP(dimension)
            self._index = faiss.IndexIVFFlat(centres, dimension, LISTS, faiss.METRIC_INNER_PRODUCT)
            self._index.train(self._vectors)
            self._index.add(self._vectors)
            self._index.nprobe = LOOKED_AT

    def search(self, queries: NDArray[np.float32], k: int) -> NDArray[np.int64]:
        """The k <= n nearest rows to each of `queries`, float32[m, d]: int64[m, k], best first."""
        queries = np.ascontiguousarray(queries)
        if self._index is None:
            return nearest(self._vectors, queries, k)[0]
        faiss.omp_set_num_threads(ALL_THREADS)
        rows: NDArray[np.int64] = self._index.search(queries, k)[1]
        if (few := np.flatnonzero((rows < 0).any(axis=1))).size:  # these centres have too few vectors
            rows[few] = nearest(self._vectors, queries[few], k)[0]
        return rows
