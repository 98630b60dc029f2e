"""How the similarities of a query to all vectors of a version are spread."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexing.snapshot.vectors import BLOCK, GATHERED, products


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """The first two moments of a version's vectors: from them follow the mean and the standard deviation of the
    similarities to any query, without comparing it with every vector."""

    mean: NDArray[np.float32]
    """float32[d]: the mean vector m."""
    moment: NDArray[np.float32]
    """float32[d, d]: the second moment C, the mean of v v' over all vectors v."""

    @classmethod
    def from_vectors(cls, vectors: NDArray[np.float32], rows: NDArray[np.int64] | None = None) -> Spread:
        """The moments of `vectors`, float32[n, d], or of these `rows` of them.

        Of more than 16,384 vectors only that many, evenly spread, are used: close enough, and it takes 0.1 s.
        """
        count = len(vectors) if rows is None else len(rows)
        some = np.unique(np.linspace(0, count - 1, min(BLOCK, count), dtype=np.int64))
        rows = some if rows is None else rows[some]
        dimension = vectors.shape[1]
        mean, moment = np.zeros(dimension, np.float32), np.zeros((dimension, dimension), np.float32)
        # Block by block: memory may be short while a version is opened beside the one that is served.
        for start in range(0, len(rows), GATHERED):
            block = np.asarray(vectors[rows[start : start + GATHERED]], np.float32)
            mean += block.sum(axis=0)
            moment += block.T @ block
        used = np.float32(max(len(rows), 1))
        return cls(mean / used, moment / used)

    def over(self, vector: NDArray[np.float32]) -> tuple[float, float]:
        """Mean and standard deviation of the cosine similarities of `vector` q, float32[d], to all vectors:
        q'm and sqrt(q'Cq - (q'm)^2)."""
        mean = float(vector @ self.mean)
        square = float(vector @ products(self.moment, vector))  # a product of two vectors takes no memory
        return mean, math.sqrt(max(square - mean * mean, 0.0))
