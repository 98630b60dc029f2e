"""The parameters of a search in an address: filters by name, which people can read and share, not by id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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

    def filters(self, *, strictly: bool = False) -> Filters:
        """Looks the names of tags up. No expert passes a filter for an unknown tag or category.

        Raises InvalidFilter; with `strictly`, also for an unknown tag or category.
        """
        if strictly and not self.currency and (self.rate_min, self.rate_max) != (None, None):
            raise InvalidFilter("currency", _which_currency())
        ids = _ids([*self.tag, *self.industry])
        for name, texts in (("tag", self.tag), ("industry", self.industry)):
            if strictly and (unknown := [text for text in texts if text not in ids]):
                raise InvalidFilter(name, message("There is no tag “%(name)s”.", name=unknown[0]))
        if strictly and (absent := [text for text in self.category if not _is_category(text)]):
            raise InvalidFilter("category", message("There is no category “%(name)s”.", name=absent[0]))
        return Filters(
            tags=tuple(dict.fromkeys(ids.get(text, UNKNOWN) for text in self.tag)),
            all_tags=self.match == "all",
            industries=tuple(dict.fromkeys(ids.get(text, UNKNOWN) for text in self.industry)),
            categories=tuple(dict.fromkeys(self.category)),
            rate_min=self.rate_min,
            rate_max=self.rate_max,
            currency=self.currency.upper(),
            photo=self.photo,
        )


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
