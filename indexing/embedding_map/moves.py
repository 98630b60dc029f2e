"""How far experts moved between two maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexing.embedding_map.positions import Positions


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """Of the m experts who stand on both maps."""

    radius: float
    """of the later map, in its coordinates"""
    ids: NDArray[np.int64]
    """int64[m], rising"""
    distances: NDArray[np.float64]
    """float64[m]: as a share of the radius"""
    before: Positions
    after: Positions

    @property
    def median(self) -> float | None:
        return float(np.median(self.distances)) if len(self.distances) else None

    def farthest(self) -> NDArray[np.int64]:
        """Rows of those who moved at all, the farthest first; ties by id."""
        order = np.argsort(-self.distances, kind="stable")
        return order[self.distances[order] > 0]


def moves(old_ids: NDArray[np.int64], before: Positions, new_ids: NDArray[np.int64], after: Positions) -> Moves:
    """Ids int64[n], each once, and their positions float32[n, 2], of two maps."""
    ids, old_rows, new_rows = np.intersect1d(old_ids, new_ids, assume_unique=True, return_indices=True)
    before, after_of_both = before[old_rows], after[new_rows]
    span = radius(after)
    apart = np.linalg.norm(after_of_both.astype(np.float64) - before, axis=1)
    return Moves(span, ids, apart / (span or 1.0), before, after_of_both)


def radius(positions: Positions) -> float:
    """The greatest distance from the middle; 0 of an empty map."""
    if not len(positions):
        return 0.0
    middle = positions.mean(axis=0, dtype=np.float64)
    return float(np.linalg.norm(positions - middle, axis=1).max())
