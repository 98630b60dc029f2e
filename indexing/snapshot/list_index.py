"""The index of a version with very many vectors.

Each vector is in the list of its nearest centre, in a byte for each number (FAISS IVF,SQ8; Jégou, Douze and Schmid,
"Product Quantization for Nearest Neighbor Search", 2011). What is found there is compared once more by the vectors
themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from indexing.snapshot.vectors import ALL_THREADS, BLOCK, EACH_LIST, EXACT_AMONG, compare_each

LEAST_LISTS, LISTS_PER_ROOT = 16, 2
"""A `ListIndex` has about twice as many lists as the root of the number of vectors: 2,048 for a million. Twice
as many would halve what a search looks at, and double the work of building."""
LISTS_LOOKED_AT = 16
"""The least effort of a `ListIndex`: in how many lists it looks. A version may need more."""
REFINED = 64
"""A `ListIndex` finds this many rows more than are requested, which are compared by their real vectors: one byte
for each number leaves the order of the last ones open."""
ROUNDS = 4
"""Of k-means. Ten gave the same recall (.9997) among a million vectors, and lists as even."""
RANGE_OF = 20_000
"""Vectors that tell in which range the numbers are that become bytes."""
COMPARED = 2_048
"""Vectors that are compared with all centres at once."""
AHEAD = 16
"""How many vectors it looks at, at least, for each row that is requested."""


class ListIndex:
    """Approximate inner product search over very many unit vectors, memory-mapped and immutable, for any threads.

    Similarities are those of the vectors themselves.
    """

    kind = "ivf"

    def __init__(self, index: Any, vectors: NDArray[np.float32], effort: int = LISTS_LOOKED_AT) -> None:
        """Over `vectors`, float32[n, d]. `effort` is nprobe: in how many lists a search looks, at least."""
        self._index = index
        self._vectors = vectors
        self.effort = effort

    @classmethod
    def open(cls, path: Path, vectors: NDArray[np.float32], effort: int = LISTS_LOOKED_AT) -> ListIndex:
        """Map the index file over `vectors`, float32[n, d]. Raises RuntimeError if it is not an IVF index of FAISS.

        The file may be removed while the index is open.
        """
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
        if not hasattr(index, "nprobe"):
            raise RuntimeError("it is an index of another kind")
        return cls(index, vectors, effort)

    def with_effort(self, effort: int) -> ListIndex:
        """The same index, searched with another effort."""
        return ListIndex(self._index, self._vectors, effort)

    @property
    def count(self) -> int:
        """Number of vectors, n."""
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        """Floats per vector, d."""
        return int(self._index.d)

    def search(self, vectors: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """As `VectorIndex.search`: int64[m, k] and float32[m, k], best first, for m unit vectors, float32[m, d]."""
        k = min(k, self.count)
        rows, similarities = np.full((len(vectors), k), -1, np.int64), np.full((len(vectors), k), -1, np.float32)
        for place, found in enumerate(self._candidates(vectors, k, self._lists_for(k))):
            some = self._nearest_of(vectors[place], found, k)
            rows[place, : len(some[0])], similarities[place, : len(some[0])] = some
        return rows, similarities

    def search_among(
        self, vectors: NDArray[np.float32], vector: NDArray[np.float32], k: int, mask: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """As `VectorIndex.search_among`: int64[k] and float32[k] for a `vector`, float32[d], and a `mask`, bool[n].

        The fewer rows are selected, the more lists are looked at.
        """
        selected = int(np.count_nonzero(mask))
        k = min(k, selected)
        if selected > EXACT_AMONG:
            wrapped: Any = faiss  # the package's own type stub does not know how selectors are made
            selector = wrapped.IDSelectorBitmap(np.packbits(mask, bitorder="little"))
            lists = self._lists_for(k) * self.count // selected
            (found,) = self._candidates(vector[np.newaxis], k, lists, selector)
            if len(found) >= k:
                return self._nearest_of(vector, found, k)
        return compare_each(vectors, vector, k, np.flatnonzero(mask))

    def _lists_for(self, k: int) -> int:
        return max(self.effort, AHEAD * k * int(self._index.nlist) // max(self.count, 1))

    def _candidates(
        self, queries: NDArray[np.float32], k: int, lists: int, selector: Any = None
    ) -> list[NDArray[np.int64]]:
        """For each query the rows that are nearest by their bytes, at most k + REFINED, rising."""
        faiss.omp_set_num_threads(1)  # requests run side by side already; this affects the calling thread only
        wrapped: Any = faiss  # the package's own type stub does not know this class
        params = wrapped.SearchParametersIVF(nprobe=min(lists, int(self._index.nlist)), sel=selector)
        k = min(k + REFINED, self.count)
        _, rows = self._index.search(np.ascontiguousarray(queries, np.float32), k, params=params)
        return [np.sort(each[each >= 0]) for each in rows]  # rising: neighbours in the file are read together

    def _nearest_of(
        self, vector: NDArray[np.float32], rows: NDArray[np.int64], k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        return compare_each(self._vectors, vector, min(k, len(rows)), rows)


def build_lists(
    vectors: NDArray[np.float32], target: Path, *, advance: Callable[[int], None] | None = None
) -> ListIndex:
    """Write a `ListIndex` over unit `vectors`, float32[n, d], to `target`, and open it. Else as `build_index`."""
    faiss.omp_set_num_threads(ALL_THREADS)
    wrapped: Any = faiss  # the package's own type stub does not know all that is used here
    count, dimension = vectors.shape
    lists = max(LEAST_LISTS, 2 ** round(math.log2(LISTS_PER_ROOT * math.sqrt(count))))
    sample = _spread_over(vectors, EACH_LIST * lists)
    centres = find_centres(sample, lists)
    quantizer = wrapped.IndexFlatIP(dimension)
    quantizer.add(centres)
    kind = wrapped.ScalarQuantizer.QT_8bit
    index = wrapped.IndexIVFScalarQuantizer(quantizer, dimension, len(centres), kind, wrapped.METRIC_INNER_PRODUCT)
    index.train(_spread_over(sample, RANGE_OF))
    for start in range(0, count, BLOCK):
        block = np.ascontiguousarray(vectors[start : start + BLOCK], np.float32)
        nearest, _ = nearest_centres(block, centres)
        index.add_core(len(block), wrapped.swig_ptr(block), None, wrapped.swig_ptr(nearest))
        if advance is not None:
            advance(len(block))
    wrapped.write_index(index, str(target))
    return ListIndex.open(target, vectors)


def find_centres(sample: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """The centres of `count` lists, float32[c, d] of unit length, found in a `sample` of unit vectors, float32[s, d]:
    fewer if the sample has fewer different vectors. The same sample always gives the same centres.

    Spherical k-means (Dhillon and Modha, "Concept Decompositions for Large Sparse Text Data Using Clustering", 2001).
    """
    sample = np.unique(sample, axis=0)  # what many have in common would begin many lists, and fill one
    count = min(count, len(sample))
    centres = sample[np.random.default_rng(0).choice(len(sample), count, replace=False)]
    for _round in range(ROUNDS):
        lists, similarities = nearest_centres(sample, centres)
        order = np.argsort(lists, kind="stable")
        used, starts = np.unique(lists[order], return_index=True)
        sums = np.add.reduceat(sample[order], starts, axis=0)
        centres[used] = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        empty = np.setdiff1d(np.arange(count), used)
        centres[empty] = sample[np.argsort(similarities, kind="stable")[: len(empty)]]  # what has no centre nearby
    return centres


def nearest_centres(
    vectors: NDArray[np.float32], centres: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Which of `centres`, float32[c, d], is nearest to each of `vectors`, float32[n, d]; and how near: int64[n] and
    float32[n].

    By NumPy, which takes a third of the time that the BLAS inside FAISS takes.
    """
    lists, similarities = np.empty(len(vectors), np.int64), np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), COMPARED):
        some = slice(start, start + COMPARED)
        near = vectors[some] @ centres.T
        lists[some] = near.argmax(axis=1)
        similarities[some] = near.max(axis=1)
    return lists, similarities


def _spread_over(vectors: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """float32[min(count, n), d]: that many of `vectors`, float32[n, d], evenly spread."""
    rows = np.unique(np.linspace(0, len(vectors) - 1, min(count, len(vectors)), dtype=np.int64))
    return np.ascontiguousarray(vectors[rows], np.float32)
