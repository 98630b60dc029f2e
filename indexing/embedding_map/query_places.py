"""Queries on the map: each stands beside the experts who are nearest to it in meaning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexing.embedding_map import positions as placing
from indexing.embedding_map.positions import Positions
from indexing.snapshot.reader import Snapshot

PLACED_BY = 10
"""Nearest experts whose places make that of a query."""


def placed(snapshot: Snapshot, positions: Positions, vectors: Sequence[NDArray[np.float32]]) -> Positions:
    """float32[m, 2]: a place for each of m unit vectors, of a version that has experts."""
    rows = [snapshot.rows(snapshot.semantic(vector, PLACED_BY)[0]) for vector in vectors]
    places = np.empty((len(rows), 2), np.float32)
    for place, neighbours in zip(places, rows, strict=True):
        place[:] = placing.beside(positions, neighbours[np.newaxis])[0]
    return places
