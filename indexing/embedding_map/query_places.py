"""The place of a query on the map: among the experts who are closest to it in meaning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexing.embedding_map.positions import Positions, between_neighbours
from indexing.snapshot.reader import Snapshot

NEIGHBOURS = 10
"""The nearest experts, whose positions make that of the query."""


def place_queries(snapshot: Snapshot, positions: Positions, vectors: Sequence[NDArray[np.float32]]) -> Positions:
    """A place, float32[m, 2] in the map's coordinates, for each of m unit vectors float32[d].

    `positions` float32[n, 2] are those of the snapshot's experts, in the order of its ids; n must not be 0.
    """
    rows = [snapshot.rows(snapshot.semantic(vector, NEIGHBOURS)[0]) for vector in vectors]
    places = np.empty((len(rows), 2), np.float32)
    for place, neighbours in zip(places, rows, strict=True):
        place[:] = between_neighbours(positions, neighbours[np.newaxis])[0]
    return places
