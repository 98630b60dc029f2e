"""Search by meaning over the vectors of a version: an expert is as near to a query as the best of their passages.

The more passages somebody has, the nearer the best of them is by chance. So PENALTY * ln(passages) ** 2 is taken off,
which favours neither long nor short profiles: see `ranking_constants`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from indexing.snapshot.engine import Found, SearchableVectors
from indexing.snapshot.passages import PassageRows
from indexing.snapshot.prefilter import Prefilter
from indexing.snapshot.ranking_constants import PENALTY
from indexing.snapshot.vectors import best_of, products

ROUNDS = 3
"""How often an approximate index is read twice as deep because passages of the same few experts fill the list."""
BLOCK_ROWS = 1_024
ROWS_AT_ONCE = 16_384
"""Rows that are compared with many queries at once."""


class Nearness:
    """How near one query is to the experts: the nearest ones, and on demand any others. Each is compared once."""

    def __init__(self, index: MeaningIndex, vector: NDArray[np.float32], known: NDArray[np.float32]) -> None:
        """`known` is float32[n]: similarities that are known already, NaN for the others. It is kept, and filled."""
        self._index, self._vector, self._known = index, vector, known

    def of(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """float32[k]: the similarity of each of the experts in `rows`, int64[k]."""
        unknown = rows[np.isnan(self._known[rows])]
        if len(unknown):
            self._known[unknown] = self._index.similarities(self._vector, unknown)
        return self._known[rows]


class MeaningIndex:
    """The vectors of n experts and of m passages, in whatever engine they are.

    Immutable, and safe for any number of threads.
    """

    def __init__(self, index: SearchableVectors, experts: int, passages: PassageRows) -> None:
        self.index = index
        self.passages = passages
        self._rows = experts + len(passages)
        self._experts = experts
        self._penalties = (PENALTY * np.log(passages.counts) ** 2).astype(np.float32)

    def nearest(self, vector: NDArray[np.float32], k: int, only: Prefilter | None = None) -> Found:
        """The k experts nearest to a unit `vector`, float32[d], of those that pass `only`.

        Returns their rows int64[j] and similarities float32[j], best first; j <= k.
        """
        return self.compared(vector, k, only)[0]

    def compared(self, vector: NDArray[np.float32], k: int, only: Prefilter | None = None) -> tuple[Found, Nearness]:
        """What `nearest` returns for `vector`, float32[d], and `only`; and how near anybody else is."""
        if not self.index.compares_all:
            rows, near = best, similarities = self._nearest_by_index(vector, k, only)
        else:
            rows = np.arange(self._experts) if only is None else np.flatnonzero(only.mask)
            near = self._all(vector) if only is None else self.similarities(vector, rows)
            places = best_of(near, k)
            best, similarities = rows[places], near[places]
        known = np.full(self._experts, np.nan, np.float32)
        known[rows] = near
        return (best, similarities), Nearness(self, vector, known)

    def highest(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32[c]: how near the nearest expert is to each of the unit `vectors`, float32[c, d].

        Only where there is a matrix, which is read once.
        """
        assert self.index.matrix is not None
        taken_off = np.zeros(self._rows, np.float32)
        taken_off[self.passages.owners] = np.inf  # the mean of somebody's passages does not count
        taken_off[self._experts :] = np.repeat(self._penalties, self.passages.counts)
        found = np.full(len(vectors), -np.inf, np.float32)
        for start in range(0, self._rows, ROWS_AT_ONCE):
            some = slice(start, start + ROWS_AT_ONCE)
            with np.errstate(invalid="ignore"):  # a damaged file may have infinity: the build finds that out later
                near = np.asarray(self.index.matrix[some], np.float32) @ vectors.T - taken_off[some, np.newaxis]
            found = np.maximum(found, near.max(axis=0))
        return found

    def similarities(self, vector: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """float32[k]: how near a unit `vector`, float32[d], is to each of the experts in `rows`, int64[k]."""
        places, several = self.passages.places_of(rows)
        counted = len(rows) + int(self.passages.counts[places[several]].sum())
        if self.index.matrix is not None and 2 * counted > self._rows:
            return self._all(vector)[rows]
        if not several.any():
            return self._of_rows(vector, rows)
        places = places[several]
        counts = self.passages.counts[places]
        begins = np.cumsum(counts) - counts
        each = np.arange(int(counts.sum())) + np.repeat(self.passages.starts[places] - begins, counts)
        alone = rows[~several]
        near = self._of_rows(vector, np.concatenate([alone, self._experts + each]))
        found = np.empty(len(rows), np.float32)
        found[~several] = near[: len(alone)]
        found[several] = np.maximum.reduceat(near[len(alone) :], begins) - self._penalties[places]
        return found

    def _of_rows(self, vector: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """float32[k]: the similarity of each row of the matrix."""
        vectors = self.index.vectors
        blocks = [  # rows are copied out of the mapped matrix
            products(vectors(rows[start : start + BLOCK_ROWS]), vector) for start in range(0, len(rows), BLOCK_ROWS)
        ]
        return np.concatenate(blocks) if blocks else np.empty(0, np.float32)

    def best_passages(self, vector: NDArray[np.float32], rows: NDArray[np.int64]) -> list[tuple[int, int] | None]:
        """For each expert's row, int64[k], the piece of the profile nearest to `vector`: start and length in the bio.

        None for those with one vector: of their profile everything counted.
        """
        nearest, _pieces = self.nearest_pieces(vector, rows)
        spans = self.passages.table[nearest, 1:].tolist() if len(self.passages) else [()] * len(rows)
        return [(span[0], span[1]) if at >= 0 else None for at, span in zip(nearest.tolist(), spans, strict=True)]

    def nearest_pieces(
        self, vector: NDArray[np.float32], rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For each expert's row, int64[k], which passage is the piece nearest to `vector`, float32[d], int64[k], and
        how many pieces the profile has, int64[k].

        Those with one vector have no pieces, and -1.
        """
        nearest, pieces = np.full(len(rows), -1, np.int64), np.zeros(len(rows), np.int64)
        places, several = self.passages.places_of(rows)
        if several.any():
            places = places[several]
            counts = self.passages.counts[places]
            begins = np.cumsum(counts) - counts
            each = np.arange(int(counts.sum())) + np.repeat(self.passages.starts[places] - begins, counts)
            near = self._of_rows(vector, self._experts + each)
            near[begins] = -np.inf  # the whole profile
            is_best = np.flatnonzero(near == np.repeat(np.maximum.reduceat(near, begins), counts))
            _, first = np.unique(np.repeat(np.arange(len(counts)), counts)[is_best], return_index=True)
            nearest[several], pieces[several] = each[is_best[first]], counts - 1
        return nearest, pieces

    def nearest_passages(self, vector: NDArray[np.float32], row: int) -> list[tuple[int, int, float]]:
        """Start and length of every piece of the profile in `row`, and its similarity to `vector`, float32[d].

        The nearest comes first. None for a profile with one vector.
        """
        (place,), (several,) = (each.tolist() for each in self.passages.places_of(np.array([row])))
        if not several:
            return []
        similarities = self._of_passages(place, vector)[1:]  # the first one is the whole profile
        first = int(self.passages.starts[place]) + 1
        pieces = self.passages.table[first : first + len(similarities), 1:].tolist()
        order = np.argsort(-similarities, kind="stable").tolist()
        return [(pieces[each][0], pieces[each][1], float(similarities[each])) for each in order]

    def whole(self, row: int) -> NDArray[np.float32]:
        """float32[d]: the vector of an expert's whole profile, as far as the model read it."""
        places, several = self.passages.places_of(np.array([row]))
        at = self._experts + int(self.passages.starts[places[0]]) if several[0] else row
        return np.array(self.index.vectors(np.array([at]))[0])

    def _of_passages(self, place: int, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        start = self._experts + int(self.passages.starts[place])
        return self._of_rows(vector, np.arange(start, start + int(self.passages.counts[place])))

    def _all(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32[n]: the similarity of every expert. Only where there is a matrix."""
        assert self.index.matrix is not None
        found = products(self.index.matrix, vector)
        if not len(self.passages):
            return found
        best = np.maximum.reduceat(found[self._experts :], self.passages.starts)
        found[self.passages.owners] = best - self._penalties
        return found[: self._experts]

    def _nearest_by_index(self, vector: NDArray[np.float32], k: int, only: Prefilter | None) -> Found:
        """Reads the index deeper until `k` experts are found and none below can be better (or ROUNDS times)."""
        read = self.index.reader(vector, only)
        depth, rounds = math.ceil(k * self._rows / self._experts), 0
        while True:
            rows, similarities = read(depth)
            experts, nearness = self._by_expert(rows, similarities)
            is_all = len(rows) < depth or depth >= self.index.count or bool((rows < 0).any())
            is_settled = len(experts) >= k and nearness[k - 1] >= similarities[-1]
            if is_all or is_settled or not len(self.passages) or (rounds >= ROUNDS and len(experts) >= k):
                return experts[:k], nearness[:k]
            depth, rounds = depth * 2, rounds + 1

    def _by_expert(self, rows: NDArray[np.int64], similarities: NDArray[np.float32]) -> Found:
        """The experts of rows of the matrix, which come best first, with the similarity of their best passage."""
        known = rows >= 0
        rows, similarities = rows[known], similarities[known]
        if not len(self.passages):
            return rows, similarities
        is_passage = rows >= self._experts
        experts = rows.copy()
        experts[is_passage] = self.passages.table[rows[is_passage] - self._experts, 0]
        places, several = self.passages.places_of(experts)
        nearness = similarities - np.where(several, self._penalties[places], np.float32(0))
        counts = is_passage | ~several  # the mean of somebody's passages does not count
        experts, nearness = experts[counts], nearness[counts]
        _, first = np.unique(experts, return_index=True)
        order = first[np.lexsort((experts[first], -nearness[first]))]
        return experts[order], nearness[order]
