"""The named areas of a version's map, remembered until the version, its map or the list of tags changes."""

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

VERSIONS_REMEMBERED = 4
"""The map flips between two versions, and a few people look at the same time."""

_remembered: ProcessState[LRUCache[tuple[Any, ...], tuple[NamedArea, ...]]] = ProcessState(
    lambda: LRUCache(VERSIONS_REMEMBERED)
)
"""Named areas by version, map file and active tags."""
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class NamedArea:
    area: Area
    name: str
    """the tag's name, as it is in the directory now"""


def areas_of(version: IndexVersion) -> tuple[NamedArea, ...]:
    """The version's named areas, the most important first.

    Only tags that still exist and are active can name an area. Raises MapNotReady or NoMap if the version has no
    map, and SnapshotInvalid if the file with its tags cannot be read.
    """
    names = dict(Tag.objects.filter(is_active=True).values_list("pk", "name"))
    stamp = reading.file_stamp(version)
    key = version.manifest_sha256, version.map_state, stamp, tuple(sorted(names.items()))
    with _lock:  # two requests at the same time would otherwise compute the same areas
        remembered = _remembered.get()
        if key not in remembered:
            remembered[key] = _name_areas(version, names)
        return remembered[key]


def _name_areas(version: IndexVersion, names: dict[int, str]) -> tuple[NamedArea, ...]:
    positions = reading.read_positions(version)
    facets = read_facets(version)
    rows, tags = facets.tag_rows(), facets.tag_ids
    active = np.isin(tags, np.fromiter(names, np.int64, len(names)))
    found = named_areas(positions, rows[active], tags[active])
    return tuple(NamedArea(area, names[area.tag]) for area in found)
