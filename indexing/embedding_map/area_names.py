"""The names of a version's areas, kept until the version, its map or the catalogue of tags is another."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np

from experts.models import Tag
from indexing.embedding_map import reading
from indexing.embedding_map.areas import Area, named_areas
from indexing.models import IndexVersion
from indexing.versions.opening import read_facets

KEPT = 4
"""Versions whose areas are remembered: two are flipped through, and a few people look at once."""

_known: OrderedDict[tuple[Any, ...], tuple[Named, ...]] = OrderedDict()
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
        if key not in _known:
            facets = read_facets(version)
            rows, tags = facets.tag_rows(), facets.tag_ids
            active = np.isin(tags, np.fromiter(names, np.int64, len(names)))
            found = named_areas(positions, rows[active], tags[active])
            _known[key] = tuple(Named(area, names[area.tag]) for area in found)
            while len(_known) > KEPT:
                _known.popitem(last=False)
        _known.move_to_end(key)
        return _known[key]


def forget() -> None:
    with _lock:
        _known.clear()
