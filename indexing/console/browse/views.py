"""The directory without a query: by tag, industry, category and place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from experts import browsing, cards
from experts.numbers import whole_number
from experts.safe_text import without_bidi_controls
from indexing.console.access import ConsoleRequest, allowed
from indexing.console.responses import kept_for_back, page_or_fragment
from indexing.console.search_modes import sort_choices

STEP = 40
MOST = 400
"""People on one page."""
FEW = 8
"""Values of a group that are shown without a further press."""


@dataclass(frozen=True, slots=True)
class Link:
    """A value that can be chosen, or that is: the address does the one or takes the other back."""

    label: str
    count: int | None
    address: str


@dataclass(frozen=True, slots=True)
class Group:
    heading: str
    few: list[Link]
    more: list[Link]


@require_safe
@kept_for_back
@allowed()
def browse_page(request: ConsoleRequest) -> HttpResponse:
    """The page; for htmx only the people after the first `from`, which “Show more” adds."""
    asked = BrowseForm.from_address(request.GET)
    found = browsing.experts_with(asked.chosen)
    ids = browsing.sorted_ids(found, asked.sort)
    first = min(whole_number(request.GET.get("from")) or 0, asked.shown) if request.htmx else 0
    read = cards.read_cards(ids[first : asked.shown])
    more = asked.shown + STEP
    context: dict[str, Any] = {
        "asked": asked,
        "people": [read[key] for key in ids[first : asked.shown] if key in read],
        "total": len(ids),
        "shown": min(asked.shown, len(ids)),
        "more_address": asked.address(shown=more) if len(ids) > asked.shown and more <= MOST else "",
        "is_cut_off": len(ids) > asked.shown and more > MOST,
    }
    if not first:
        context |= {"groups": list(_groups(asked, browsing.values(found))), "sorts": _sorts(asked)}
    return page_or_fragment(
        request,
        context,
        page="indexing/browse/page.html",
        fragment="indexing/browse/_more.html",
        in_admin=False,
    )


@dataclass(frozen=True, slots=True)
class BrowseForm:
    """What the address asks for. What it cannot mean is ignored."""

    chosen: dict[str, tuple[str, ...]]
    sort: str
    shown: int

    @classmethod
    def from_address(cls, data: QueryDict) -> BrowseForm:
        chosen = {}
        for group in browsing.GROUPS:
            given = (value.replace("\0", "") for value in data.getlist(group))
            values = tuple(dict.fromkeys(filter(None, given)))[: browsing.MOST_TAGS]
            chosen[group] = values if group in browsing.TAGGED else values[-1:]
        sort = data.get("sort", "")
        shown = whole_number(data.get("shown")) or STEP
        return cls(
            {group: values for group, values in chosen.items() if values},
            sort if sort in browsing.SORTS else browsing.NAME,
            min(max(shown, STEP), MOST),
        )

    @property
    def title(self) -> str:
        """What is chosen, or that it is everybody."""
        return without_bidi_controls(" · ".join(link.label for link in self.chips())) or _("All experts")

    def chips(self) -> Iterator[Link]:
        """What is chosen, each with the address without it."""
        for group, values in self.chosen.items():
            for value in values:
                yield Link(browsing.label(group, value), None, self.toggled(group, value))

    def toggled(self, group: str, value: str) -> str:
        """The address with this value, or without it if it is chosen. The list begins at its top again."""
        values = self.chosen.get(group, ())
        if value in values:
            values = tuple(each for each in values if each != value)
        else:
            values = (*values, value) if group in browsing.TAGGED else (value,)
        return self._address(self.chosen | {group: values}, self.sort)

    def address(self, *, sort: str = "", shown: int = STEP) -> str:
        """The address with another order, or with more people."""
        return self._address(self.chosen, sort or self.sort, shown)

    def _address(self, chosen: dict[str, tuple[str, ...]], sort: str, shown: int = STEP) -> str:
        pairs = [(group, value) for group in browsing.GROUPS for value in chosen.get(group, ())]
        pairs += [("sort", sort)] if sort != browsing.NAME else []
        pairs += [("shown", str(shown))] if shown != STEP else []
        return reverse("browse") + (f"?{urlencode(pairs, errors='replace')}" if pairs else "")


def _groups(asked: BrowseForm, offered: dict[str, list[browsing.Value]]) -> Iterator[Group]:
    """What can be chosen further, group by group; what is chosen already is left to the chips."""
    headings = {
        "tag": _("Tags"),
        "industry": _("Industries"),
        "category": _("Categories"),
        "country": _("Countries"),
        "city": _("Cities"),
    }
    for group, values in offered.items():
        links = [
            Link(value.label, value.count, asked.toggled(group, value.key))
            for value in values
            if value.key not in asked.chosen.get(group, ())
        ]
        if links:
            yield Group(headings[group], links[:FEW], links[FEW:])


def _sorts(asked: BrowseForm) -> list[tuple[str, str, bool]]:
    """(label, address, whether it is this one)"""
    return [(label, asked.address(sort=sort), sort == asked.sort) for sort, label in sort_choices() if sort]
