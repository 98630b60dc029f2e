"""Gaps in the directory: searches that found nobody, placed on the map where a matching expert would be."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from indexing.embedding_map import query_places, reading
from indexing.embedding_map.positions import Positions
from indexing.lib.process_state import ProcessState
from indexing.models import IndexVersion, SearchLog
from indexing.search import query_vector
from indexing.serving import open_versions

DAYS = 30
MOST = 100
"""Only the most frequent searches are placed: more marks than that would hide each other."""

Coordinates = tuple[float, float]

_remembered: ProcessState[tuple[tuple[Any, ...], dict[str, Coordinates]]] = ProcessState(lambda: ((), {}))
"""The map of the latest answer, and where each query of that answer lies on it."""
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Gap:
    query: str
    count: int
    """searches for it that found nobody"""
    last: datetime
    place: Coordinates
    """in the map's own coordinates"""


def gaps_of(version: IndexVersion, now: datetime | None = None) -> list[Gap]:
    """The searches of the last 30 days that found nobody, the most frequent first, each with its place on the map.

    Queries are encoded one at a time, when they first appear: other users of the model then wait for one short text,
    not for a hundred. Raises MapNotReady or NoMap if the version has no map, SnapshotInvalid if it cannot be opened,
    and EncoderUnavailable.
    """
    since = (now or timezone.now()) - timedelta(days=DAYS)
    rows = list(SearchLog.objects.filter(at__gte=since).finding_nobody()[:MOST])
    positions = reading.read_positions(version)
    if not rows or not len(positions):
        return []
    places = _places(version, [row["folded"] for row in rows], positions)
    return [Gap(row["folded"], row["count"], row["last"], places[row["folded"]]) for row in rows]


def _places(version: IndexVersion, queries: list[str], positions: Positions) -> dict[str, Coordinates]:
    key = version.manifest_sha256, reading.file_stamp(version)
    with _lock:  # two requests at the same time would otherwise encode the same queries
        remembered_key, remembered = _remembered.get()
        known = remembered if remembered_key == key else {}
        new = [query for query in queries if query not in known]
        if new:
            snapshot = open_versions.open_version(version)
            vectors = [query_vector(query, snapshot) for query in new]
            found = query_places.place_queries(snapshot, positions, vectors).tolist()
            known = known | {query: (x, y) for query, (x, y) in zip(new, found, strict=True)}
        places = {query: known[query] for query in queries}
        _remembered.set((key, places))
        return places
