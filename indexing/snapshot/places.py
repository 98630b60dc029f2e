"""Where experts are, what they speak and from when they are available: columns that earlier releases did not have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from experts.folding import folded
from experts.profiles.records import ExpertRecord
from indexing.snapshot.prefilter import city_label, country_label, language_label
from indexing.snapshot.value_lists import ValueLists

LISTS = ("countries", "cities", "languages")


@dataclass(frozen=True, slots=True, eq=False)
class PlaceColumns:
    """Columns over the n experts of a version, in the order of its ids."""

    countries: ValueLists
    """ISO codes."""
    cities: ValueLists
    """Folded names (`experts.folding`): Zürich and zurich are one city."""
    city_names: NDArray[np.str_]
    """[cities]: the most frequent way to write each of `cities.names`."""
    languages: ValueLists
    """ISO codes."""
    available: NDArray[np.datetime64]
    """datetime64[D], [n]: from which date; NaT if that is not known."""
    city_by_key: dict[str, str] = field(init=False)
    """Folded name -> name, of all cities."""

    def __post_init__(self) -> None:
        names = zip(self.cities.names.tolist(), self.city_names.tolist(), strict=True)
        object.__setattr__(self, "city_by_key", dict(names))

    @property
    def has_days(self) -> bool:
        """Whether it is known of anybody from when they are available."""
        return not bool(np.isnat(self.available).all())

    @classmethod
    def from_records(cls, experts: Sequence[ExpertRecord]) -> Self:
        """The columns of `experts`, in their order."""
        return cls.from_columns(
            [expert.city for expert in experts],
            [expert.country for expert in experts],
            [expert.languages for expert in experts],
            [expert.available_from for expert in experts],
        )

    @classmethod
    def from_columns(
        cls,
        cities: Sequence[str],
        countries: Sequence[str],
        languages: Sequence[str],
        available: Sequence[date | None],
    ) -> Self:
        """The columns of experts who have these values, in their order."""
        of_city = {city: _some(folded(city)) for city in set(cities)}
        of_country = {country: _some(country) for country in set(countries)}
        of_languages = {codes: list(dict.fromkeys(codes.split())) for codes in set(languages)}
        named = ValueLists.from_lists([of_city[city] for city in cities])
        written: dict[str, Counter[str]] = {}
        for city, count in Counter(cities).items():
            written.setdefault(folded(city), Counter())[" ".join(city.split())] += count
        return cls(
            countries=ValueLists.from_lists([of_country[country] for country in countries]),
            cities=named,
            city_names=np.array([_most_frequent(written[name]) for name in named.names.tolist()], np.str_),
            languages=ValueLists.from_lists([of_languages[codes] for codes in languages]),
            available=np.array(available, "datetime64[D]"),
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray], count: int) -> Self | None:
        """What `arrays` returned, of n = `count` experts; None if an earlier release stored no such columns.

        `arrays` has datetime64[n], and for each list texts str[k], int64[n + 1] and int32[m].

        Raises KeyError or ValueError if the arrays are anything else.
        """
        if "available" not in arrays:
            return None
        lists = {name: ValueLists.from_arrays(arrays, name) for name in LISTS}
        made = cls(city_names=arrays["city_names"], available=arrays["available"], **lists)
        lengths = {len(made.available), *map(len, lists.values())}
        if lengths != {count}:
            raise ValueError(f"columns of different lengths: {sorted(lengths | {count})}")
        return made

    def arrays(self) -> dict[str, Any]:
        """The arrays to be stored, by name."""
        stored: dict[str, Any] = {"city_names": self.city_names, "available": self.available}
        for name in LISTS:
            stored |= getattr(self, name).arrays(name)
        return stored

    def labels(self, first: int, last: int) -> Iterator[tuple[str, ...]]:
        """The labels that the keyword index filters each row by, from `first` to before `last`."""
        columns = [each.of_rows(first, last) for each in (self.countries, self.cities, self.languages)]
        for countries, cities, languages in zip(*columns, strict=True):
            yield (
                *map(country_label, countries),
                *map(city_label, cities),
                *map(language_label, languages),
            )

    def days(self, first: int, last: int) -> list[int | None]:
        """From which day on each row is available, in days since 1970; None if that is not known."""
        days = self.available[first:last]
        known = zip(days.astype(np.int64).tolist(), np.isnat(days).tolist(), strict=True)
        return [None if is_unknown else day for day, is_unknown in known]


def _some(text: str) -> list[str]:
    return [text] if text else []


def _most_frequent(written: Counter[str]) -> str:
    return min(written, key=lambda text: (-written[text], text))
