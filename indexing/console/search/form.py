"""The query and filters of the search page: read from its address, and written to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from experts import browsing
from indexing.console.search_modes import parse_mode
from indexing.console.words import filter_value
from indexing.search import Mode
from indexing.search.parameters import SearchParameters
from indexing.snapshot.reader import Snapshot

LISTS = ("tag", "industry", "category", "country", "city", "language")
"""Parameters that an address may have several times."""
CASES: dict[str, Callable[[str], str]] = {"country": str.upper, "language": str.lower}
MOST_DIGITS = 1e15
"""From here on a rate has more digits than a float."""
RATE = ("rate_min", "rate_max", "currency")
PARAMETERS = {
    "tags": "tag",
    "industries": "industry",
    "categories": "category",
    "countries": "country",
    "cities": "city",
    "languages": "language",
}
"""Group of filters that an address may have several times -> its parameter."""


@dataclass(frozen=True, slots=True)
class FilterChip:
    """An active filter, and the address without it."""

    text: str
    address: str


@dataclass(frozen=True, slots=True)
class SearchForm:
    """What the address asks for. A rate or a date that is none is ignored, and its field is then empty."""

    query: str
    mode: Mode
    parameters: SearchParameters
    version: str = ""
    """A version other than the live one, on pages that can look into it."""
    sort: str = ""
    """One of `browsing.SORTS`; empty: by relevance."""
    other_currencies: tuple[str, ...] = ()
    """Those that a filter of rates leaves out, the most frequent first."""

    @classmethod
    def from_address(cls, data: QueryDict, snapshot: Snapshot | None) -> SearchForm:
        """If the address has a rate but no currency, the most frequent currency of the version is assumed."""
        low, high = _rate(data.get("rate_min", "")), _rate(data.get("rate_max", ""))
        currency = data.get("currency", "").strip().upper()[:3]
        currencies = list(snapshot.facets.currency_counts()) if snapshot is not None else []
        has_rates = low is not None or high is not None
        if not currency and has_rates:
            currency = next(iter(currencies), "")
        lists = {name: _different(data.getlist(name), CASES.get(name, str)) for name in LISTS}
        return cls(
            query=data.get("q", ""),
            mode=parse_mode(data.get("mode", "")),
            parameters=SearchParameters(
                **lists,
                match="all" if data.get("match") == "all" else "any",
                rate_min=low if currency else None,
                rate_max=high if currency else None,
                currency=currency,
                photo=bool(data.get("photo")),
                available_by=_day(data.get("available_by", "")),
            ),
            sort=sort if (sort := data.get("sort", "")) in browsing.SORTS else "",
            other_currencies=tuple(code for code in currencies if has_rates and code != currency),
        )

    def pairs(self) -> list[tuple[str, str]]:
        """The parameters of its address as (name, value), without defaults."""
        given = self.parameters
        pairs = [("q", self.query), ("mode", self.mode if self.mode != Mode.HYBRID else "")]
        pairs += [(name, value) for name in LISTS for value in getattr(given, name)]
        pairs.append(("match", "all" if given.match == "all" and len(given.tag) > 1 else ""))
        pairs += [
            (name, _digits(rate)) for name in ("rate_min", "rate_max") if (rate := getattr(given, name)) is not None
        ]
        pairs += [("currency", given.currency), ("photo", "1" if given.photo else ""), ("available_by", self.day)]
        pairs += [("sort", self.sort), ("version", self.version)]
        return [(name, value) for name, value in pairs if value]

    @property
    def rate_fields(self) -> dict[str, str]:
        """What stands in the fields for the lowest and the highest rate."""
        given = self.parameters
        return {"low": _field(given.rate_min), "high": _field(given.rate_max)}

    @property
    def day(self) -> str:
        """What stands in the field for the date."""
        return self.parameters.available_by.isoformat() if self.parameters.available_by else ""

    def filters_address(self) -> str:
        """The filters and the version, for another page that takes them; empty without any."""
        pairs = [pair for pair in self.pairs() if pair[0] not in ("q", "mode", "sort")]
        return _address(pairs) if pairs else ""

    def hidden_pairs(self) -> list[tuple[str, str]]:
        """The filters that have no field while there are no results to count."""
        return [(name, value) for name, value in self.pairs() if name in (*LISTS, "match", "photo")]

    def address(self, **changes: str) -> str:
        """The address with some parameters changed; an empty text removes one."""
        unchanged = [(name, value) for name, value in self.pairs() if name not in changes]
        return _address([*unchanged, *((name, value) for name, value in changes.items() if value)])

    def address_without_filters(self) -> str:
        """The address with the query, the mode, the order and the version only."""
        return _address([pair for pair in self.pairs() if pair[0] in ("q", "mode", "sort", "version")])

    def chips(self) -> Iterator[FilterChip]:
        """The active filters, one by one."""
        pairs = self.pairs()
        for name in LISTS:
            for value in getattr(self.parameters, name):
                yield FilterChip(_shown(name, value), _address([pair for pair in pairs if pair != (name, value)]))
        if rate := self._rate_words():
            yield FilterChip(rate, self.address(rate_min="", rate_max="", currency=""))
        if self.parameters.photo:
            yield FilterChip(_("with a photo"), self.address(photo=""))
        if self.day:
            yield FilterChip(self._day_words(), self.address(available_by=""))

    def address_without(self, group: str, name: str = "") -> str:
        """The address without a group of filters of the facets, or without one value of the group."""
        field = PARAMETERS.get(group)
        if field is None:
            return self.address(**dict.fromkeys(RATE if group == "rate" else (group,), ""))
        return _address([pair for pair in self.pairs() if pair[0] != field or (name and pair[1] != name)])

    def label_of(self, group: str, name: str = "") -> str:
        """The filters that `address_without` removes, in words."""
        if field := PARAMETERS.get(group):
            return ", ".join(_shown(field, value) for value in ([name] if name else getattr(self.parameters, field)))
        if group == "available_by":
            return self._day_words()
        return _("with a photo") if group == "photo" else self._rate_words()

    def _day_words(self) -> str:
        return _("available by %(day)s") % {"day": date_format(self.parameters.available_by or "")}

    def _rate_words(self) -> str:
        given = self.parameters
        words = {
            "low": _grouped(given.rate_min or 0),
            "high": _grouped(given.rate_max or 0),
            "currency": given.currency,
        }
        if given.rate_min is not None and given.rate_max is not None:
            return _("%(low)s to %(high)s %(currency)s per hour") % words
        if given.rate_min is not None:
            return _("from %(low)s %(currency)s per hour") % words
        if given.rate_max is not None:
            return _("up to %(high)s %(currency)s per hour") % words
        return _("rate in %(currency)s") % words if given.currency else ""


def _different(values: Iterable[str], case: Callable[[str], str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(case(value) for value in values if value))


def _address(pairs: list[tuple[str, str]]) -> str:
    return f"?{urlencode(pairs, errors='replace')}"


def _field(rate: float | None) -> str:
    return "" if rate is None else _digits(rate)


def _digits(rate: float) -> str:
    """The rate for an address or a field: all of its digits, and no more decimals than it has."""
    return f"{rate:.2f}".rstrip("0").rstrip(".") if rate < MOST_DIGITS else f"{rate:g}"


def _grouped(rate: float) -> str:
    """The rate for people: 1,234,567 or 1.234.567."""
    return number_format(_digits(rate), force_grouping=True)


def _shown(name: str, value: str) -> str:
    """A value of one of LISTS as a filter, in the reader's words."""
    shown = filter_value(value, name)
    return _("speaks %(language)s") % {"language": shown} if name == "language" else shown


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def _rate(text: str) -> float | None:
    try:
        rate = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return rate if 0 <= rate < 1e9 else None
