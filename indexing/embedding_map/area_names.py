"""The names of a version's areas, kept until the version, its map or the catalogue of tags is another."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from cachetools import LRUCache

from experts.models import Tag
from indexing.embedding_map import reading
from indexing.embedding_map.areas import Area, named_areas
from indexing.lib.process_state import ProcessState
from indexing.models import IndexVersion
from indexing.versions.opening import read_facets

KEPT = 4
"""Versions whose areas are remembered: two are flipped through, and a few people look at once."""

_known: ProcessState[LRUCache[tuple[Any, ...], tuple[Named, ...]]] = ProcessState(lambda: LRUCache(KEPT))
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Named:
    area: Area
    name: str


def areas_of(version: IndexVersion) -> tuple[Named, ...]:
    """The version's areas, the most important first. Raises what `reading.positions_of` does, and SnapshotInvalid.

    Only tags that are still in the catalogue, and active, name anything.
    """
    positions = reading.positions_of(version)
    names = dict(Tag.objects.filter(is_active=True).values_list("pk", "name"))
    key = version.manifest_sha256, reading.stamp(version), tuple(sorted(names.items()))
    with _lock:
        known = _known.get()
        if key not in known:
            facets = read_facets(version)
            rows, tags = facets.tag_rows(), facets.tag_ids
            active = np.isin(tags, np.fromiter(names, np.int64, len(names)))
            found = named_areas(positions, rows[active], tags[active])
            known[key] = tuple(Named(area, names[area.tag]) for area in found)
        return known[key]
