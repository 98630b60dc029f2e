"""The query and filters of the search page: read from its address, and written to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from indexing.console.search_modes import parse_mode
from indexing.search import Mode
from indexing.search.parameters import SearchParameters
from indexing.snapshot.reader import Snapshot

LISTS = ("tag", "industry", "category")
"""Parameters that an address may have several times."""
MOST_DIGITS = 1e15
"""From here on a rate has more digits than a float."""
RATE = ("rate_min", "rate_max", "currency")


@dataclass(frozen=True, slots=True)
class FilterChip:
    """An active filter, and the address without it."""

    text: str
    address: str


@dataclass(frozen=True, slots=True)
class SearchForm:
    """What the address asks for. A rate that is not a number is ignored, and its field is then empty."""

    query: str
    mode: Mode
    parameters: SearchParameters
    version: str = ""
    """A version other than the live one, on pages that can look into it."""
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
        lists = {name: tuple(dict.fromkeys(filter(None, data.getlist(name)))) for name in LISTS}
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
            ),
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
        pairs += [("currency", given.currency), ("photo", "1" if given.photo else "")]
        pairs.append(("version", self.version))
        return [(name, value) for name, value in pairs if value]

    @property
    def rate_fields(self) -> dict[str, str]:
        """What stands in the fields for the lowest and the highest rate."""
        given = self.parameters
        return {"low": _field(given.rate_min), "high": _field(given.rate_max)}

    def filters_address(self) -> str:
        """The filters and the version, for another page that takes them; empty without any."""
        pairs = [pair for pair in self.pairs() if pair[0] not in ("q", "mode")]
        return _address(pairs) if pairs else ""

    def hidden_pairs(self) -> list[tuple[str, str]]:
        """The filters that have no field while there are no results to count."""
        return [(name, value) for name, value in self.pairs() if name in (*LISTS, "match", "photo")]

    def address(self, **changes: str) -> str:
        """The address with some parameters changed; an empty text removes one."""
        unchanged = [(name, value) for name, value in self.pairs() if name not in changes]
        return _address([*unchanged, *((name, value) for name, value in changes.items() if value)])

    def address_without_filters(self) -> str:
        """The address with the query, the mode and the version only."""
        return _address([pair for pair in self.pairs() if pair[0] in ("q", "mode", "version")])

    def chips(self) -> Iterator[FilterChip]:
        """The active filters, one by one."""
        pairs = self.pairs()
        for name in LISTS:
            for value in getattr(self.parameters, name):
                yield FilterChip(value, _address([pair for pair in pairs if pair != (name, value)]))
        if rate := self._rate_words():
            yield FilterChip(rate, self.address(rate_min="", rate_max="", currency=""))
        if self.parameters.photo:
            yield FilterChip(_("with a photo"), self.address(photo=""))

    def address_without(self, group: str, name: str = "") -> str:
        """The address without a group of filters of the facets, or without one tag of the group."""
        field = {"tags": "tag", "industries": "industry", "categories": "category"}.get(group)
        if field is None:
            return self.address(**dict.fromkeys(("photo",) if group == "photo" else RATE, ""))
        return _address([pair for pair in self.pairs() if pair[0] != field or (name and pair[1] != name)])

    def label_of(self, group: str, name: str = "") -> str:
        """The filters that `address_without` removes, in words."""
        if name:
            return name
        values = {
            "tags": self.parameters.tag,
            "industries": self.parameters.industry,
            "categories": self.parameters.category,
        }
        if group in values:
            return ", ".join(values[group])
        return _("with a photo") if group == "photo" else self._rate_words()

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


def _rate(text: str) -> float | None:
    try:
        rate = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return rate if 0 <= rate < 1e9 else None
