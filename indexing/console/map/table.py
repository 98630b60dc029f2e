"""The map as a table: the same experts, filtered by words, area and category, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.core.paginator import Page, Paginator
from django.http import QueryDict
from numpy.typing import NDArray

from experts.models import Expert, ExpertQuerySet
from experts.numbers import whole_number
from indexing.embedding_map import area_names
from indexing.embedding_map.area_names import NamedArea
from indexing.embedding_map.wire_format import VersionMap
from indexing.errors import SnapshotInvalid
from indexing.models import IndexVersion

PAGE = 50


@dataclass(frozen=True, slots=True)
class TableRow:
    expert: Expert
    area: str
    """name of the nearest named area; empty if the map has none"""


@dataclass(frozen=True, slots=True)
class TableFilter:
    """The filter of the table of experts, as the address gives it."""

    find: str
    category: str
    area: int
    """position in the list of areas, from 1; 0: anywhere"""

    @classmethod
    def from_address(cls, address: QueryDict) -> TableFilter:
        find = address.get("find", "").replace("\0", "")[:200]  # PostgreSQL accepts no NUL
        return cls(find, address.get("category", "")[:100], whole_number(address.get("area")))

    def experts(self) -> ExpertQuerySet:
        """The active experts that pass, except for the area, which the database does not know."""
        experts = Expert.objects.active().matching(self.find)
        return experts.filter(category=self.category) if self.category else experts


def context(version: IndexVersion, drawn: VersionMap, address: QueryDict) -> dict[str, Any]:
    """The template context of the table."""
    table_filter = TableFilter.from_address(address)
    areas = _areas(version)
    page = Paginator(_ids(drawn, areas, table_filter), PAGE).get_page(address.get("page", 1))
    other_pages = address.copy()
    other_pages.pop("page", None)
    return {
        "table": page,
        "rows": _rows(page, drawn, areas),
        "filter": table_filter,
        "areas": sorted(enumerate((each.name for each in areas), start=1), key=lambda pair: pair[1]),
        "categories": list(
            Expert.objects.active()
            .exclude(category="")
            .order_by("category")
            .values_list("category", flat=True)
            .distinct()
        ),
        "other_pages": other_pages.urlencode(),
    }


def _areas(version: IndexVersion) -> tuple[NamedArea, ...]:
    try:
        return area_names.areas_of(version)
    except SnapshotInvalid:  # the map can be read, but the version's tags cannot: then no area has a name
        return ()


def _ids(drawn: VersionMap, areas: tuple[NamedArea, ...], table_filter: TableFilter) -> NDArray[np.int64]:
    """Ids int64[m] of the experts on the map that pass the filter, in the order of the directory."""
    keys = table_filter.experts().values_list("pk", flat=True)
    ids = np.fromiter(keys.iterator(chunk_size=10_000), np.int64)
    rows, known = drawn.rows_of(ids)
    ids, rows = ids[known], rows[known]
    if table_filter.area and areas:
        ids = ids[_nearest(drawn, areas, rows) == min(table_filter.area, len(areas)) - 1]
    return ids


def _rows(page: Page[Any], drawn: VersionMap, areas: tuple[NamedArea, ...]) -> list[TableRow]:
    ids = [int(each) for each in page.object_list]
    experts = Expert.objects.in_bulk(ids)
    rows, _known = drawn.rows_of(np.array(ids, np.int64))
    names = [areas[place].name for place in _nearest(drawn, areas, rows)] if areas else [""] * len(ids)
    return [TableRow(experts[pk], name) for pk, name in zip(ids, names, strict=True) if pk in experts]


def _nearest(drawn: VersionMap, areas: tuple[NamedArea, ...], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Index int64[m] of the nearest named area for each of m rows of the map."""
    best = np.full(len(rows), np.inf)
    nearest = np.zeros(len(rows), np.int64)
    at = drawn.positions[rows]
    for place, named in enumerate(areas):
        distances = np.hypot(at[:, 0] - named.area.x, at[:, 1] - named.area.y)
        nearest[distances < best] = place
        best = np.minimum(best, distances)
    return nearest
