"""How many of a query's matches each further filter would leave, and which filter to remove if there are none.

The matches that are counted are the active experts among the best POOL by meaning and the best POOL by words (of the
rankings that the mode uses), under the filters. By meaning everybody matches a little, so counts over the whole
directory would say nothing about the query. In a group where one value is enough, values are counted under the
filters of the other groups only: a count says how many matches there would be with that value instead.
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
"""How many values of a group are offered, those with most matches first. Chosen values are always offered."""
NEAREST = 50
"""How many of the nearest experts lend a query their tags. In a small directory it is a quarter of all: among all of
them, no tag would stand out."""
NEAR_TAGS = 5


@dataclass(frozen=True, slots=True)
class FacetValue:
    key: int | str
    """The id of a tag, the name of a category, or the code of a currency."""
    name: str
    count: int
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class FacetCounts:
    """Matches per value of each group, ordered by count and then by name."""

    matches: int
    tags: tuple[FacetValue, ...] = ()
    """Tags of the kind domain, and chosen tags of any kind."""
    industries: tuple[FacetValue, ...] = ()
    categories: tuple[FacetValue, ...] = ()
    currencies: tuple[FacetValue, ...] = ()
    """Counts only experts who have a rate."""
    photo: int = 0


@dataclass(frozen=True, slots=True)
class Loosened:
    """The result of removing one filter."""

    group: str
    value: Any
    filters: Filters
    """the filters that remain"""
    matches: int


@dataclass(frozen=True, slots=True, eq=False)
class FacetedQuery:
    """One query on one version, whose matches are counted. `vector`, float32[d], is None in keyword mode."""

    text: str
    mode: Mode
    snapshot: Snapshot
    vector: NDArray[np.float32] | None

    @classmethod
    def from_text(cls, text: str, mode: Mode, snapshot: Snapshot) -> FacetedQuery:
        """Encodes the query unless the mode is keyword; right after a search its vector comes from the cache.

        Raises EncoderUnavailable.
        """
        return cls(text, mode, snapshot, None if mode == Mode.KEYWORD else query_vector(text, snapshot))

    def matches(self, filters: Filters, pool: int = POOL) -> NDArray[np.int64]:
        """int64[m]: rows of the active matches in ascending order; the module says which experts match."""
        only = filters.prefilter(self.snapshot, self.text)
        lists = []
        if only is None or only.count:
            if self.vector is not None:
                lists.append(self.snapshot.semantic(self.vector, pool, only)[0])
            if self.mode != Mode.SEMANTIC:
                lists.append(self.snapshot.keyword(self.text, pool, only)[0])
        ids = np.unique(np.concatenate(lists)) if lists else np.empty(0, np.int64)
        return self.snapshot.rows(np.array(Expert.objects.active_among(ids.tolist()), np.int64))

    def facets(self, filters: Filters) -> FacetCounts:
        """Matches under the filters, and how many each value of each group would leave."""
        facets, tags = self.snapshot.facets, _tags()
        filtered = set(filters.groups())
        under: dict[str, NDArray[np.int64]] = {"": self.matches(filters)}
        for group in filtered - ({"tags"} if filters.all_tags else set()) - {"photo"}:
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
        """The filter whose removal gives the most matches; None if no single removal gives any."""
        ways = [Loosened(group, value, left, self._how_many(left)) for group, value, left in filters.each_dropped()]
        best = max(ways, key=lambda way: way.matches, default=None)
        return best if best and best.matches else None

    def near_tags(self) -> list[FacetValue]:
        """Tags that are more frequent among the experts nearest to the query than in the whole version.

        Ordered by n * log(share among the nearest / share of all), n being how many of the nearest have the tag.
        Their counts are over all experts. Raises EncoderUnavailable.
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
        """Matches without the limit of a pool. By meaning, everybody who passes the filters matches."""
        if self.mode == Mode.KEYWORD:
            return len(self.matches(filters, len(self.snapshot)))
        return int(np.count_nonzero(filters.mask(self.snapshot.facets)))


def _tags() -> dict[int, tuple[str, str]]:
    return {key: (name, kind) for key, name, kind in Tag.objects.order_by().values_list("pk", "name", "kind")}


def _values(
    names: Mapping[Any, str], counts: Mapping[Any, int], chosen: Iterable[int | str]
) -> tuple[FacetValue, ...]:
    chosen_keys = set(chosen)
    values = [FacetValue(key, name, counts.get(key, 0), key in chosen_keys) for key, name in names.items()]
    values = [value for value in values if value.count or value.chosen]
    values.sort(key=lambda value: (-value.count, value.name))
    return tuple(value for place, value in enumerate(values) if place < VALUES or value.chosen)
