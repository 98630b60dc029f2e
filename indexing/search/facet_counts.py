"""How many of a query's strong matches each further filter would leave, and which filter to remove if there are none.

The matches that are counted are those of the search itself (`Results.matches`): the active experts among the strong
ones, under the filters. Where any one of several values is enough, the values of that group are counted under the
filters of the other groups only: a count says how many matches there would be with that value instead. Such groups
need one more retrieval, without the filters of which one value is enough; their counts are of the experts in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from experts.folding import folded
from experts.models import Expert, Tag
from indexing.models.searches import Mode
from indexing.search.filters import NONE, Filters
from indexing.search.searcher import Matches, Results, matches_of, query_vector
from indexing.snapshot.places import PlaceColumns
from indexing.snapshot.reader import Snapshot

VALUES = 12
"""How many values of a group are offered, those that set the matches apart most. Chosen ones are always offered."""
NEAREST = 50
"""How many of the nearest experts lend a query their tags. In a small directory it is a quarter of all: among all of
them, no tag would stand out."""
NEAR_TAGS = 5


@dataclass(frozen=True, slots=True)
class FacetValue:
    key: int | str
    """The id of a tag, the name of a category, the folded name of a city, or the code of a country, language or
    currency."""
    name: str
    """As a filter names it."""
    count: int
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class FacetCounts:
    """Matches per value of each group. First are the values that set the matches apart from the whole directory."""

    matches: int
    """All strong matches under the filters."""
    is_cut_off: bool = False
    """Whether there are more than were read and counted."""
    tags: tuple[FacetValue, ...] = ()
    """Tags of the kind domain, and chosen tags of any kind."""
    industries: tuple[FacetValue, ...] = ()
    categories: tuple[FacetValue, ...] = ()
    currencies: tuple[FacetValue, ...] = ()
    """Counts only experts who have a rate."""
    photo: int = 0
    countries: tuple[FacetValue, ...] = ()
    cities: tuple[FacetValue, ...] = ()
    languages: tuple[FacetValue, ...] = ()


@dataclass(frozen=True, slots=True)
class Loosened:
    """The result of removing one filter."""

    group: str
    value: Any
    filters: Filters
    """the filters that remain"""
    matches: int


@dataclass(frozen=True, eq=False)
class FacetedQuery:
    """The matches of one search, to be counted."""

    results: Results
    snapshot: Snapshot
    filters: Filters = NONE

    def facets(self) -> FacetCounts:
        """Matches under the filters, and how many each value of each group would leave."""
        facets, tags, filters = self.snapshot.facets, _tags(), self.filters
        domains = {key: name for key, (name, kind) in tags.items() if kind == Tag.Kind.DOMAIN or key in filters.tags}
        industries = {key: name for key, (name, kind) in tags.items() if kind == Tag.Kind.INDUSTRY}
        categories, currencies = _itself(facets.category_counts()), _itself(facets.currency_counts())
        return FacetCounts(
            matches=len(self._rows),
            is_cut_off=self.results.matches.is_cut_off,
            tags=self._values("tags", domains, facets.tag_counts, filters.tags),
            industries=self._values("industries", industries, facets.tag_counts, filters.industries),
            categories=self._values("categories", categories, facets.category_counts, filters.categories),
            currencies=self._values("rate", currencies, facets.currency_counts, (filters.currency,)),
            photo=int(np.count_nonzero(facets.has_photo[self._rows])),
            **self._places(facets.places),
        )

    def _places(self, places: PlaceColumns | None) -> dict[str, tuple[FacetValue, ...]]:
        """None of them in a version of an earlier release."""
        if places is None:
            return {}
        filters, countries, languages = self.filters, places.countries, places.languages
        cities = [folded(name) for name in filters.cities]
        return {
            "countries": self._values("countries", _itself(countries.totals), countries.counts, filters.countries),
            "cities": self._values("cities", places.city_by_key, places.cities.counts, cities),
            "languages": self._values("languages", _itself(languages.totals), languages.counts, filters.languages),
        }

    def loosened(self) -> Loosened | None:
        """The filter whose removal gives the most matches; None if no single removal gives any."""
        if not self.results.has_words or not self.filters:
            return None
        everybody, text = self._matched_rows(NONE), self.results.query
        dropped = list(self.filters.each_dropped())
        only = [left.prefilter(self.snapshot, text) for _group, _value, left in dropped]
        passing = [each.mask if each else np.ones(len(self.snapshot), np.bool_) for each in only]
        counts = [int(np.count_nonzero(mask[everybody])) for mask in passing]
        if len(everybody) and not any(counts) and self.results.mode != Mode.KEYWORD:
            counts = [int(np.count_nonzero(mask)) for mask in passing]  # by meaning, they match at least weakly
        ways = [Loosened(*way, count) for way, count in zip(dropped, counts, strict=True)]
        best = max(ways, key=lambda way: way.matches, default=None)
        return best if best and best.matches else None

    def near_tags(self) -> list[FacetValue]:
        """Tags that are more frequent among the experts nearest to the query than in the whole version.

        Their counts are over all experts. None for a query that means nothing to this version. Raises
        EncoderUnavailable.
        """
        if not self.results.has_words:
            return []
        facets, tags, vector = self.snapshot.facets, _tags(), self.results.vector
        if vector is None:
            vector = query_vector(self.results.query, self.snapshot)
        ids, similarities = self.snapshot.semantic(vector, min(NEAREST, len(self.snapshot) // 4 + 1))
        threshold = self.snapshot.manifest.strong_similarity
        if threshold is not None and not (similarities >= threshold).any():
            return []
        here, everywhere = facets.tag_counts(self.snapshot.rows(ids)), facets.tag_counts()
        known = {key: count for key, count in here.items() if key in tags}
        apart = _apart(known, everywhere, len(ids) / len(facets))
        best = sorted(apart, key=lambda key: (-apart[key], key))[:NEAR_TAGS]
        return [FacetValue(key, tags[key][0], everywhere[key]) for key in best if apart[key] > 0]

    def _values(
        self,
        group: str,
        names: Mapping[Any, str],
        counts: Callable[[NDArray[np.int64] | None], Mapping[Any, int]],
        chosen: Iterable[int | str],
    ) -> tuple[FacetValue, ...]:
        """The values of one group, out of all `names`; `counts` counts them in some rows, or in all."""
        rows, chosen_keys = self._under(group), set(chosen)
        here = counts(rows)
        apart = _apart(here, counts(None), len(rows) / max(len(self.snapshot), 1))
        keys = [key for key in dict.fromkeys([*here, *chosen_keys]) if key in names]
        values = [FacetValue(key, names[key], here.get(key, 0), key in chosen_keys) for key in keys]
        values = [value for value in values if value.count or value.chosen]
        values.sort(key=lambda value: (-apart.get(value.key, -np.inf), value.name))
        return tuple(value for place, value in enumerate(values) if place < VALUES or value.chosen)

    @cached_property
    def _rows(self) -> NDArray[np.int64]:
        """int64[m]: rows of the active matches under all filters."""
        return self._active(self.results.matches)

    @cached_property
    def _open_rows(self) -> NDArray[np.int64]:
        """int64[m]: rows of the active matches under the filters of which each must be met."""
        opened = self.filters
        for group in self._open_groups:
            opened = opened.without(group)
        return self._matched_rows(opened)

    @cached_property
    def _open_groups(self) -> frozenset[str]:
        """Groups with a filter of which one value is enough."""
        alone = {"photo", "available_by", *self.filters.groups_of_all}
        return frozenset(set(self.filters.groups()) - alone)

    def _under(self, group: str) -> NDArray[np.int64]:
        """int64[m]: rows of the matches among which the values of a group are counted."""
        if group not in self._open_groups:
            return self._rows
        return self._open_rows[self.filters.without(group).mask(self.snapshot.facets)[self._open_rows]]

    def _matched_rows(self, filters: Filters) -> NDArray[np.int64]:
        results = self.results
        return self._active(matches_of(results.query, self.snapshot, results.mode, results.vector, filters))

    def _active(self, matches: Matches) -> NDArray[np.int64]:
        return self.snapshot.rows(np.array(Expert.objects.active_among(matches.ids.tolist()), np.int64))


def _itself(totals: Mapping[str, int]) -> dict[str, str]:
    """The values of a column, which are their own names."""
    return {name: name for name in totals}


def _tags() -> dict[int, tuple[str, str]]:
    """Id -> name and kind now, by hand: every search asks, and Django takes longer to put the question."""
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT id, name, kind FROM "{Tag._meta.db_table}"')
        return {key: (name, kind) for key, name, kind in cursor.fetchall()}


def _apart(here: Mapping[Any, int], everywhere: Mapping[Any, int], share: float) -> dict[Any, float]:
    """How much each value sets the counted experts, `share` of all, apart: n * log(n / (share * count of all)).

    It is high for a value that many of them have, and few others (the term of a value in the log-likelihood ratio of
    Dunning, “Accurate Methods for the Statistics of Surprise and Coincidence”, 1993).
    """
    return {key: count * math.log(count / (share * everywhere[key])) for key, count in here.items() if count}
