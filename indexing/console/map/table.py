"""The map as a table: the same people, searched, narrowed by area or category, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.core.paginator import Page, Paginator
from django.db.models import Q
from django.http import QueryDict
from numpy.typing import NDArray

from experts.models import Expert, ExpertQuerySet
from indexing.console.responses import number
from indexing.embedding_map import area_names
from indexing.embedding_map.area_names import Named
from indexing.embedding_map.wire_format import DrawnMap
from indexing.errors import SnapshotInvalid
from indexing.models import IndexVersion

PAGE = 50
WORDS = 8
"""Words of a search that count; each is one more condition."""
FIELDS = ("username", "first_name", "last_name", "job_title", "company")


@dataclass(frozen=True, slots=True)
class Row:
    expert: Expert
    area: str
    """name of the named area that is nearest; empty where none is named"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address narrows the table to."""

    find: str
    category: str
    area: int
    """place in the list of areas, from 1; 0: anywhere"""

    @classmethod
    def of(cls, address: QueryDict) -> Asked:
        return cls(address.get("find", "")[:200], address.get("category", "")[:100], number(address.get("area")))


def context(version: IndexVersion, drawn: DrawnMap, address: QueryDict) -> dict[str, Any]:
    asked = Asked.of(address)
    areas = _areas(version)
    page = Paginator(_ids(drawn, areas, asked), PAGE).get_page(address.get("page", 1))
    kept = address.copy()
    kept.pop("page", None)
    return {
        "table": page,
        "rows": _rows(page, drawn, areas),
        "asked": asked,
        "areas": sorted(enumerate((each.name for each in areas), start=1), key=lambda pair: pair[1]),
        "categories": list(
            Expert.objects.active()
            .exclude(category="")
            .order_by("category")
            .values_list("category", flat=True)
            .distinct()
        ),
        "kept": kept.urlencode(),
    }


def _areas(version: IndexVersion) -> tuple[Named, ...]:
    try:
        return area_names.areas_of(version)
    except SnapshotInvalid:  # the map is whole, another file of the version is not: then nothing has a name
        return ()


def _ids(drawn: DrawnMap, areas: tuple[Named, ...], asked: Asked) -> NDArray[np.int64]:
    """Of those who are asked for and on the map, in the order of the directory."""
    found = _found(asked).values_list("pk", flat=True)
    ids = np.fromiter(found.iterator(chunk_size=10_000), np.int64)
    rows, known = drawn.rows_of(ids)
    ids, rows = ids[known], rows[known]
    if asked.area and areas:
        ids = ids[_nearest(drawn, areas, rows) == min(asked.area, len(areas)) - 1]
    return ids


def _found(asked: Asked) -> ExpertQuerySet:
    experts = Expert.objects.active()
    if asked.category:
        experts = experts.filter(category=asked.category)
    for word in asked.find.split()[:WORDS]:
        any_of_them = Q()
        for name in FIELDS:
            any_of_them |= Q(**{f"{name}__icontains": word})
        experts = experts.filter(any_of_them)
    return experts


def _rows(page: Page[Any], drawn: DrawnMap, areas: tuple[Named, ...]) -> list[Row]:
    ids = [int(each) for each in page.object_list]
    experts = Expert.objects.in_bulk(ids)
    rows, _known = drawn.rows_of(np.array(ids, np.int64))
    names = [areas[place].name for place in _nearest(drawn, areas, rows)] if areas else [""] * len(ids)
    return [Row(experts[pk], name) for pk, name in zip(ids, names, strict=True) if pk in experts]


def _nearest(drawn: DrawnMap, areas: tuple[Named, ...], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of the nearest named area, int64[m], for each of the rows."""
    best = np.full(len(rows), np.inf)
    nearest = np.zeros(len(rows), np.int64)
    at = drawn.positions[rows]
    for place, named in enumerate(areas):
        away = np.hypot(at[:, 0] - named.area.x, at[:, 1] - named.area.y)
        nearest[away < best] = place
        best = np.minimum(best, away)
    return nearest
