"""How far experts moved between two maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexing.embedding_map.positions import Positions


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """The m experts who are on both maps, row by row."""

    radius: float
    """The radius of the later map, in its own coordinates."""
    ids: NDArray[np.int64]
    """int64[m], rising"""
    distances: NDArray[np.float64]
    """float64[m], as shares of the radius"""
    before: Positions
    """float32[m, 2] on the earlier map"""
    after: Positions
    """float32[m, 2] on the later map"""

    @property
    def median(self) -> float | None:
        """The median distance, as a share of the radius; None if nobody is on both maps."""
        return float(np.median(self.distances)) if len(self.distances) else None

    def farthest(self) -> NDArray[np.int64]:
        """Rows int64[k] of the experts who moved at all, the farthest first; ties by id."""
        order = np.argsort(-self.distances, kind="stable")
        return order[self.distances[order] > 0]


def moves(old_ids: NDArray[np.int64], before: Positions, new_ids: NDArray[np.int64], after: Positions) -> Moves:
    """Compare two maps: their expert ids, int64[a] and int64[b], each id once, and their positions, float32[_, 2]."""
    ids, old_rows, new_rows = np.intersect1d(old_ids, new_ids, assume_unique=True, return_indices=True)
    before_of_both, after_of_both = before[old_rows], after[new_rows]
    span = radius(after)
    distances = np.linalg.norm(after_of_both.astype(np.float64) - before_of_both, axis=1)
    return Moves(span, ids, distances / (span or 1.0), before_of_both, after_of_both)


def radius(positions: Positions) -> float:
    """The greatest distance of a position, float32[n, 2], from their mean; 0 for an empty map."""
    if not len(positions):
        return 0.0
    middle = positions.mean(axis=0, dtype=np.float64)
    return float(np.linalg.norm(positions - middle, axis=1).max())
