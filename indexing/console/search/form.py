"""The filters of the search page: out of its address, and into it again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.translation import gettext as _

from indexing.console.search_modes import parse_mode
from indexing.search import Mode
from indexing.search.parameters import SearchParameters
from indexing.snapshot.reader import Snapshot

LISTS = ("tag", "industry", "category")


@dataclass(frozen=True, slots=True)
class FilterChip:
    """A filter that is on, and the address without it."""

    text: str
    address: str


@dataclass(frozen=True, slots=True)
class SearchForm:
    """What the page was asked for. What makes no sense in a number is left out: the field shows it no more."""

    query: str
    mode: Mode
    asked: SearchParameters

    @classmethod
    def of(cls, data: QueryDict, snapshot: Snapshot | None) -> SearchForm:
        """Rates without a currency are in the one that most rates of the version are in."""
        low, high = _rate(data.get("rate_min", "")), _rate(data.get("rate_max", ""))
        currency = data.get("currency", "").strip().upper()[:3]
        if not currency and (low is not None or high is not None) and snapshot is not None:
            currency = next(iter(snapshot.facets.currency_counts()), "")
        lists = {name: tuple(dict.fromkeys(filter(None, data.getlist(name)))) for name in LISTS}
        return cls(
            query=data.get("q", ""),
            mode=parse_mode(data.get("mode", "")),
            asked=SearchParameters(
                **lists,
                match="all" if data.get("match") == "all" else "any",
                rate_min=low if currency else None,
                rate_max=high if currency else None,
                currency=currency,
                photo=bool(data.get("photo")),
            ),
        )

    def pairs(self) -> list[tuple[str, str]]:
        """The parameters of its address, without what is as it is anyway."""
        asked = self.asked
        pairs = [("q", self.query), ("mode", self.mode if self.mode != Mode.HYBRID else "")]
        pairs += [(name, value) for name in LISTS for value in getattr(asked, name)]
        pairs.append(("match", "all" if asked.match == "all" and len(asked.tag) > 1 else ""))
        pairs += [
            (name, f"{rate:g}") for name in ("rate_min", "rate_max") if (rate := getattr(asked, name)) is not None
        ]
        pairs += [("currency", asked.currency), ("photo", "1" if asked.photo else "")]
        return [(name, value) for name, value in pairs if value]

    def address(self, **changes: str) -> str:
        """The address with some parameters set, or left out where the change is an empty text."""
        kept = [(name, value) for name, value in self.pairs() if name not in changes]
        return _address([*kept, *((name, value) for name, value in changes.items() if value)])

    def bare(self) -> str:
        """The address without any filter."""
        return _address([pair for pair in self.pairs() if pair[0] in ("q", "mode")])

    def chips(self) -> Iterator[FilterChip]:
        pairs = self.pairs()
        for name in LISTS:
            for value in getattr(self.asked, name):
                yield FilterChip(value, _address([pair for pair in pairs if pair != (name, value)]))
        if rate := self._rate_words():
            yield FilterChip(rate, self.address(rate_min="", rate_max="", currency=""))
        if self.asked.photo:
            yield FilterChip(_("with a photo"), self.address(photo=""))

    def without(self, group: str, name: str = "") -> str:
        """The address without a group of filters, or without one tag of the group."""
        field = {"tags": "tag", "industries": "industry", "categories": "category"}.get(group)
        if field is None:
            return self.address(**dict.fromkeys(("photo",) if group == "photo" else _RATE, ""))
        return _address([pair for pair in self.pairs() if pair[0] != field or (name and pair[1] != name)])

    def words_for(self, group: str, name: str = "") -> str:
        """What is dropped by `without`, for the reader."""
        if name:
            return name
        values = {"tags": self.asked.tag, "industries": self.asked.industry, "categories": self.asked.category}
        if group in values:
            return ", ".join(values[group])
        return _("with a photo") if group == "photo" else self._rate_words()

    def _rate_words(self) -> str:
        asked = self.asked
        words = {"low": f"{asked.rate_min or 0:g}", "high": f"{asked.rate_max or 0:g}", "currency": asked.currency}
        if asked.rate_min is not None and asked.rate_max is not None:
            return _("%(low)s to %(high)s %(currency)s per hour") % words
        if asked.rate_min is not None:
            return _("from %(low)s %(currency)s per hour") % words
        if asked.rate_max is not None:
            return _("up to %(high)s %(currency)s per hour") % words
        return _("rate in %(currency)s") % words if asked.currency else ""


_RATE = ("rate_min", "rate_max", "currency")


def _address(pairs: list[tuple[str, str]]) -> str:
    return f"?{urlencode(pairs, errors='replace')}"


def _rate(text: str) -> float | None:
    try:
        rate = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return rate if 0 <= rate < 1e9 else None
