"""The parameters of a search in an address: filters by name, which people can read and share, not by id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from experts import iso_codes
from experts.folding import folded
from experts.models import Expert, Tag
from indexing.lib.messages import Message, message
from indexing.search.filters import Filters, InvalidFilter

UNKNOWN = -1
"""Stands for the id of a tag that does not exist: no expert has it."""


@dataclass(frozen=True, slots=True)
class SearchParameters:
    """The filters of a search as its address names them; the API documents them."""

    tag: Sequence[str] = ()
    match: str = "any"
    industry: Sequence[str] = ()
    category: Sequence[str] = ()
    rate_min: float | None = None
    rate_max: float | None = None
    currency: str = ""
    photo: bool = False
    country: Sequence[str] = ()
    city: Sequence[str] = ()
    language: Sequence[str] = ()
    available_by: date | None = None

    def filters(self, *, strictly: bool = False) -> Filters:
        """Looks the names of tags up. No expert passes a filter for an unknown tag, category, country, ...

        Raises InvalidFilter; with `strictly`, also for what is unknown.
        """
        if strictly and not self.currency and (self.rate_min, self.rate_max) != (None, None):
            raise InvalidFilter("currency", _which_currency())
        ids = _ids([*self.tag, *self.industry])
        for name, texts in (("tag", self.tag), ("industry", self.industry)):
            if strictly and (unknown := [text for text in texts if text not in ids]):
                raise InvalidFilter(name, message("There is no tag “%(name)s”.", name=unknown[0]))
        if strictly and (absent := [text for text in self.category if not _is_category(text)]):
            raise InvalidFilter("category", message("There is no category “%(name)s”.", name=absent[0]))
        if strictly:
            self._check_places()
        return Filters(
            tags=tuple(dict.fromkeys(ids.get(text, UNKNOWN) for text in self.tag)),
            all_tags=self.match == "all",
            industries=tuple(dict.fromkeys(ids.get(text, UNKNOWN) for text in self.industry)),
            categories=tuple(dict.fromkeys(self.category)),
            rate_min=self.rate_min,
            rate_max=self.rate_max,
            currency=self.currency.upper(),
            photo=self.photo,
            countries=tuple(dict.fromkeys(code.upper() for code in self.country)),
            cities=tuple(dict.fromkeys(self.city)),
            languages=tuple(dict.fromkeys(code.lower() for code in self.language)),
            available_by=self.available_by,
        )

    def _check_places(self) -> None:
        if not iso_codes.country_codes().issuperset(code.upper() for code in self.country):
            raise InvalidFilter("country", message("Not a country. Use its ISO code, such as NL."))
        if not iso_codes.language_codes().issuperset(code.lower() for code in self.language):
            raise InvalidFilter("language", message("Not a list of languages. Use their ISO codes, such as: nl, en."))
        if self.city:
            held = set(map(folded, Expert.objects.order_by().values_list("city", flat=True).distinct())) - {""}
            if absent := [name for name in self.city if folded(name) not in held]:
                raise InvalidFilter("city", message("Nobody in the directory is in “%(name)s”.", name=absent[0]))


def _which_currency() -> Message:
    """What to choose from: without a currency, 100 JPY would count as more than 90 EUR."""
    held = Expert.objects.active().exclude(hourly_rate=None).exclude(currency="").order_by("currency")
    found = ", ".join(held.values_list("currency", flat=True).distinct())
    return message("Choose the currency of the rate, one of: %(currencies)s.", currencies=found or "EUR")


def _is_category(name: str) -> bool:
    return bool(name) and "\0" not in name and Expert.objects.filter(category=name).exists()


def _ids(names: Iterable[str]) -> dict[str, int]:
    wanted = {name for name in names if "\0" not in name}  # PostgreSQL takes no NUL
    if not wanted:
        return {}
    return {name: key for key, name in Tag.objects.filter(name__in=wanted).values_list("pk", "name")}
