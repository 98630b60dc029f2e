"""What people asked for in vain, placed on the map: where the pool of experts has gaps."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from indexing.embedding_map import query_places, reading
from indexing.lib.process_state import ProcessState
from indexing.models import IndexVersion, SearchLog
from indexing.search import query_vector
from indexing.serving import open_versions

DAYS = 30
MOST = 100
"""The most frequent ones: more marks than that hide each other."""

Place = tuple[float, float]

_placed_before: ProcessState[tuple[tuple[Any, ...], dict[str, Place]]] = ProcessState(lambda: ((), {}))
"""Where the queries of the last answer stand, with the map that they stand on."""
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Gap:
    query: str
    count: int
    last: datetime
    place: Place


def gaps_of(version: IndexVersion, now: datetime | None = None) -> list[Gap]:
    """The queries of the last 30 days that found nobody, the most frequent first, each with its place.

    A query is encoded when it first appears, one after the other: what else wants the model meanwhile waits for one
    short text, not for a hundred. Raises what `reading.positions_of` and `candidates.opened` do, and
    EncoderUnavailable.
    """
    since = (now or timezone.now()) - timedelta(days=DAYS)
    rows = list(SearchLog.objects.filter(at__gte=since).finding_nobody()[:MOST])
    positions = reading.positions_of(version)
    if not rows or not len(positions):
        return []
    places = _placed(version, [row["folded"] for row in rows], positions)
    return [Gap(row["folded"], row["count"], row["last"], places[row["folded"]]) for row in rows]


def _placed(version: IndexVersion, asked: list[str], positions: reading.Positions) -> dict[str, Place]:
    key = version.manifest_sha256, reading.stamp(version)
    with _lock:  # two that ask at once would encode the same
        placed_on, places = _placed_before.get()
        known = places if placed_on == key else {}
        fresh = [query for query in asked if query not in known]
        if fresh:
            snapshot = open_versions.opened(version)
            vectors = [query_vector(query, snapshot) for query in fresh]
            found = query_places.placed(snapshot, positions, vectors).tolist()
            known = known | {query: (x, y) for query, (x, y) in zip(fresh, found, strict=True)}
        places = {query: known[query] for query in asked}
        _placed_before.set((key, places))
        return places
