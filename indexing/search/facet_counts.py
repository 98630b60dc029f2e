"""How many of a query's matches each filter would leave, and what to loosen where none are left.

The matches that are counted: everybody who is active now among the first POOL by meaning and the first POOL by words
(of the lists that the mode has), under the filters. By meaning everybody matches a little, so that counts over the
whole directory would say nothing about the query. Values of a group of which one is enough are counted under the
other groups' filters only: how many there would be with that value instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experts.models import Expert, Tag
from indexing.search.filters import Filters
from indexing.search.searcher import Mode, query_vector
from indexing.snapshot.reader import Snapshot

POOL = 500
VALUES = 12
"""Values of a group that are offered, those with most matches first; the chosen ones always."""
NEAREST = 50
"""Experts whose tags are near a query; a quarter of a small directory, since of all of them nothing stands out."""
NEAR_TAGS = 5


@dataclass(frozen=True, slots=True)
class FacetValue:
    key: int | str
    """id of a tag; name of a category; code of a currency"""
    name: str
    count: int
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class FacetCounts:
    """Most matches first, then by name."""

    matches: int
    tags: tuple[FacetValue, ...] = ()
    """of the kind domain; and those of any kind that are chosen"""
    industries: tuple[FacetValue, ...] = ()
    categories: tuple[FacetValue, ...] = ()
    currencies: tuple[FacetValue, ...] = ()
    """of those who say a rate"""
    photo: int = 0


@dataclass(frozen=True, slots=True)
class Loosened:
    """A filter that could be dropped."""

    group: str
    value: Any
    filters: Filters
    """those that stay"""
    matches: int


@dataclass(frozen=True, slots=True, eq=False)
class FacetedQuery:
    """One query to one version: what is counted for it. `vector` is None in the keyword mode."""

    text: str
    mode: Mode
    snapshot: Snapshot
    vector: NDArray[np.float32] | None

    @classmethod
    def of(cls, text: str, mode: Mode, snapshot: Snapshot) -> FacetedQuery:
        """Raises EncoderUnavailable. The vector comes from the cache if the query was just searched for."""
        return cls(text, mode, snapshot, None if mode == Mode.KEYWORD else query_vector(text, snapshot))

    def matches(self, filters: Filters, pool: int = POOL) -> NDArray[np.int64]:
        """Rows of the active matches, rising; see the head of this module."""
        only = filters.prefilter(self.snapshot.facets)
        lists = []
        if only is None or only.count:
            if self.vector is not None:
                lists.append(self.snapshot.semantic(self.vector, pool, only)[0])
            if self.mode != Mode.SEMANTIC:
                lists.append(self.snapshot.keyword(self.text, pool, only)[0])
        ids = np.unique(np.concatenate(lists)) if lists else np.empty(0, np.int64)
        return self.snapshot.rows(np.array(Expert.objects.active_among(ids.tolist()), np.int64))

    def facets(self, filters: Filters) -> FacetCounts:
        facets, tags = self.snapshot.facets, _tags()
        asked = set(filters.groups())
        under: dict[str, NDArray[np.int64]] = {"": self.matches(filters)}
        for group in asked - ({"tags"} if filters.all_tags else set()) - {"photo"}:
            under[group] = self.matches(filters.without(group))
        everywhere = under[""]
        tag_rows = under.get("tags", everywhere)
        domains = {key: name for key, (name, kind) in tags.items() if kind == Tag.Kind.DOMAIN or key in filters.tags}
        industries = {key: name for key, (name, kind) in tags.items() if kind == Tag.Kind.INDUSTRY}
        categories = {str(name): str(name) for name in facets.categories if name}
        currencies = facets.currency_counts(under.get("rate", everywhere))
        return FacetCounts(
            matches=len(everywhere),
            tags=_values(domains, facets.tag_counts(tag_rows), filters.tags),
            industries=_values(
                industries, facets.tag_counts(under.get("industries", everywhere)), filters.industries
            ),
            categories=_values(
                categories, facets.category_counts(under.get("categories", everywhere)), filters.categories
            ),
            currencies=_values({code: code for code in currencies}, currencies, (filters.currency,)),
            photo=int(np.count_nonzero(facets.has_photo[everywhere])),
        )

    def loosened(self, filters: Filters) -> Loosened | None:
        """The tightest filter: the one without which there are most matches; None where it would not help."""
        ways = [Loosened(group, value, left, self._how_many(left)) for group, value, left in filters.each_dropped()]
        best = max(ways, key=lambda way: way.matches, default=None)
        return best if best and best.matches else None

    def near_tags(self) -> list[FacetValue]:
        """The tags that stand out among the experts nearest to the query: had there by more than elsewhere.

        Ordered by n * log(share among them / share of all); the count is of all who have the tag.
        """
        facets, tags = self.snapshot.facets, _tags()
        vector = query_vector(self.text, self.snapshot) if self.vector is None else self.vector
        ids, _ = self.snapshot.semantic(vector, min(NEAREST, len(self.snapshot) // 4 + 1))
        here, everywhere = facets.tag_counts(self.snapshot.rows(ids)), facets.tag_counts()
        scores = {
            key: count * np.log(count / len(ids) / (everywhere[key] / len(facets)))
            for key, count in here.items()
            if key in tags
        }
        best = sorted(scores, key=lambda key: (-scores[key], key))[:NEAR_TAGS]
        return [FacetValue(key, tags[key][0], everywhere[key]) for key in best if scores[key] > 0]

    def _how_many(self, filters: Filters) -> int:
        """By meaning everybody matches; by words only who has one."""
        if self.mode == Mode.KEYWORD:
            return len(self.matches(filters, len(self.snapshot)))
        return int(np.count_nonzero(filters.mask(self.snapshot.facets)))


def _tags() -> dict[int, tuple[str, str]]:
    return {key: (name, kind) for key, name, kind in Tag.objects.order_by().values_list("pk", "name", "kind")}


def _values(
    names: Mapping[Any, str], counts: Mapping[Any, int], chosen: Iterable[int | str]
) -> tuple[FacetValue, ...]:
    kept = set(chosen)
    values = [FacetValue(key, name, counts.get(key, 0), key in kept) for key, name in names.items()]
    values = [value for value in values if value.count or value.chosen]
    values.sort(key=lambda value: (-value.count, value.name))
    return tuple(value for place, value in enumerate(values) if place < VALUES or value.chosen)
