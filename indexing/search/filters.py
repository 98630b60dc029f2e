"""The filters of a search, applied to the facets of one version; nothing here reads the database.

An expert must have all of several tags, or any of them; of several industries, categories, countries or cities, any
is enough; of several languages, all are needed. Rates are compared within one currency only: 100 JPY are not more
than 90 EUR. Whether an expert is active is not a filter: it is checked for every search, when the cards are read from
the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experts.folding import folded
from indexing.errors import InvalidInput
from indexing.lib.messages import Message, message
from indexing.snapshot import query_syntax
from indexing.snapshot.facets import FacetColumns
from indexing.snapshot.places import PlaceColumns
from indexing.snapshot.prefilter import (
    PHOTO,
    KeywordConditions,
    Prefilter,
    category_label,
    city_label,
    country_label,
    currency_label,
    language_label,
    tag_label,
)
from indexing.snapshot.reader import Snapshot

PLACES = {"countries": "country", "cities": "city", "languages": "language", "available_by": "available_by"}
"""Filters that a version of an earlier release has nothing for: each with its parameter."""
GROUPS = ("tags", "industries", "categories", *PLACES, "rate", "photo")
TOO_EARLY = message(
    "This version of the index was built before TCS could filter by country, city, language and availability. Remove "
    "these filters, or rebuild the index."
)
EPOCH = date(1970, 1, 1)


class InvalidFilter(InvalidInput):
    """A filter that contradicts itself or names something unknown; `field` is its parameter."""

    def __init__(self, field: str, sentence: Message) -> None:
        self.field = field
        super().__init__(sentence)


@dataclass(frozen=True, slots=True)
class Filters:
    """The conditions that an expert must meet to be found. By default everybody meets them."""

    tags: tuple[int, ...] = ()
    """ids of tags of any kind"""
    all_tags: bool = False
    """Whether an expert needs every one of `tags`; otherwise one is enough."""
    industries: tuple[int, ...] = ()
    """ids of tags; one of them is enough"""
    categories: tuple[str, ...] = ()
    rate_min: float | None = None
    rate_max: float | None = None
    currency: str = ""
    photo: bool = False
    countries: tuple[str, ...] = ()
    """ISO codes; one of them is enough"""
    cities: tuple[str, ...] = ()
    """without regard to case and accents; one of them is enough"""
    languages: tuple[str, ...] = ()
    """ISO codes; an expert needs every one"""
    available_by: date | None = None
    """Only experts who are known to be available from this day or earlier."""

    def __post_init__(self) -> None:
        """Raises InvalidFilter for a rate without a currency or below 0, and for a minimum above the maximum."""
        for name in ("rate_min", "rate_max"):
            rate = getattr(self, name)
            if rate is not None and not 0 <= rate < np.inf:
                raise InvalidFilter(name, message("A rate must be 0 or more, not %(rate)s.", rate=rate))
        if self._has_rates and not self.currency:
            raise InvalidFilter("currency", message("Choose the currency of the rate, for example EUR."))
        if self.rate_min is not None and self.rate_max is not None and self.rate_min > self.rate_max:
            raise InvalidFilter(
                "rate_max",
                message(
                    "The maximum rate, %(high)s, is below the minimum, %(low)s.",
                    high=f"{self.rate_max:g}",
                    low=f"{self.rate_min:g}",
                ),
            )

    def __bool__(self) -> bool:
        return any(True for _each in self.groups())

    @property
    def _has_rates(self) -> bool:
        return self.rate_min is not None or self.rate_max is not None

    def mask(self, facets: FacetColumns) -> NDArray[np.bool_]:
        """bool[n]: which of the version's n rows pass every filter.

        Raises InvalidFilter if an earlier release built the version, and stored nothing to compare with.
        """
        mask = np.ones(len(facets), np.bool_)
        if self.tags:
            held = [facets.having([tag]) for tag in self.tags] if self.all_tags else [facets.having(self.tags)]
            mask &= np.logical_and.reduce(held)
        if self.industries:
            mask &= facets.having(self.industries)
        if self.categories:
            mask &= np.isin(facets.categories, self.categories)[facets.category]
        if self.currency:
            mask &= (facets.codes == self.currency)[facets.code] & ~np.isnan(facets.rate)
        if self.rate_min is not None:
            mask &= facets.rate >= self.rate_min
        if self.rate_max is not None:
            mask &= facets.rate <= self.rate_max
        if self.photo:
            mask &= facets.has_photo
        if wanted := next((name for name in PLACES if getattr(self, name)), None):
            if facets.places is None:
                raise InvalidFilter(PLACES[wanted], TOO_EARLY)
            mask &= self._there(facets.places)
        return mask

    def _there(self, places: PlaceColumns) -> NDArray[np.bool_]:
        """bool[n]: who is in the right place, speaks the languages and is available."""
        mask = np.ones(len(places.available), np.bool_)
        if self.countries:
            mask &= places.countries.having(self.countries)
        if self.cities:
            mask &= places.cities.having(map(folded, self.cities))
        for code in self.languages:
            mask &= places.languages.having([code])
        if self.available_by:
            mask &= places.available <= np.datetime64(self.available_by)
        return mask

    def conditions(self) -> KeywordConditions:
        """The same filters as conditions of the keyword index."""
        tags = [tag_label(tag) for tag in self.tags]
        labels: list[tuple[str, ...]] = [(tag,) for tag in tags] if self.all_tags else [tuple(tags)] if tags else []
        if self.industries:
            labels.append(tuple(tag_label(tag) for tag in self.industries))
        if self.categories:
            labels.append(tuple(category_label(name) for name in self.categories))
        if self.currency:
            labels.append((currency_label(self.currency),))
        if self.photo:
            labels.append((PHOTO,))
        if self.countries:
            labels.append(tuple(map(country_label, self.countries)))
        if self.cities:
            labels.append(tuple(city_label(folded(name)) for name in self.cities))
        labels += [(language_label(code),) for code in self.languages]
        return KeywordConditions(
            tuple(labels),
            (self.rate_min, self.rate_max) if self._has_rates else None,
            available_by=(self.available_by - EPOCH).days if self.available_by else None,
        )

    def prefilter(self, snapshot: Snapshot, query: str = "") -> Prefilter | None:
        """The rows that pass, for both indexes; None if all do. Phrases and excluded words of `query` count too."""
        typed = query_syntax.read(query)
        if not self and not typed.has_operators:
            return None
        mask, conditions = self.mask(snapshot.facets), self.conditions()
        if typed.has_operators:
            mask &= snapshot.having(typed.phrases, typed.excluded)
            conditions = replace(conditions, phrases=typed.phrases, excluded=typed.excluded)
        return Prefilter(mask, conditions)

    def groups(self) -> Iterator[str]:
        """The names of the groups that have a filter, of GROUPS."""
        for name in ("tags", "industries", "categories", *PLACES):
            if getattr(self, name):
                yield name
        if self.currency:
            yield "rate"
        if self.photo:
            yield "photo"

    def without(self, group: str) -> Filters:
        """All filters but those of one group."""
        names = ("rate_min", "rate_max", "currency") if group == "rate" else (group,)
        blank: dict[str, Any] = {name: getattr(NONE, name) for name in names}
        return replace(self, **blank)

    def only(self, group: str) -> Filters:
        """The filters of one group alone."""
        left = self
        for other in self.groups():
            left = left if other == group else left.without(other)
        return left

    def each_dropped(self) -> Iterator[tuple[str, object, Filters]]:
        """Every way to remove one filter: its group, its value, and the filters that remain.

        Of several tags or languages that must all match, each is a filter of its own. Values of which one is enough
        are one filter together.
        """
        for group in self.groups():
            values: Any = getattr(self, group, None)
            if group in self.groups_of_all and len(values) > 1:
                for value in values:
                    others: dict[str, Any] = {group: tuple(other for other in values if other != value)}
                    yield group, value, replace(self, **others)
            else:
                yield group, values, self.without(group)

    @property
    def groups_of_all(self) -> tuple[str, ...]:
        """The groups of which an expert needs every value."""
        return ("tags", "languages") if self.all_tags else ("languages",)


NONE = Filters()
