"""Jumps to what somebody types the beginning of: a page, a shortlist, an expert by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from experts.folding import folded, folded_words
from experts.models import Shortlist
from indexing.console.access import VIEW, ConsoleRequest, allowed, may
from indexing.console.responses import page_or_fragment
from indexing.console.sidebar import PAGES
from indexing.errors import NoIndexYet
from indexing.search.standing import named_experts
from indexing.serving import live

MAX_TYPED = 200
"""Characters that are looked at."""
LISTS, PEOPLE = 5, 8


@dataclass(frozen=True, slots=True)
class Place:
    label: str
    detail: str
    address: str


@require_safe
@never_cache
@allowed()
def jump_page(request: ConsoleRequest) -> HttpResponse:
    """The page with the field and the places for `q`; for the dialog of every other page the places alone."""
    typed = request.GET.get("q", "")[:MAX_TYPED].replace("\0", "").strip()
    context = {
        "typed": typed,
        "places": [*_pages(request, typed), *_shortlists(request, typed), *_people(typed)],
    }
    return page_or_fragment(
        request,
        context,
        page="indexing/finder/jump.html",
        fragment="indexing/finder/_places.html",
        in_admin=False,
    )


def _pages(request: ConsoleRequest, typed: str) -> Iterator[Place]:
    pages = [
        (_("Search experts"), reverse("search")),
        (_("Browse experts"), reverse("browse")),
        (_("Shortlists"), reverse("shortlists")),
    ]
    if request.user.is_staff:
        pages.append((_("Directory"), reverse("admin:index")))
    if may(request.user, VIEW):
        pages += [(str(label), reverse(name)) for _key, name, label in PAGES if name != "search"]
    return (Place(label, _("page"), address) for label, address in pages if _begins(label, typed))


def _shortlists(request: ConsoleRequest, typed: str) -> list[Place]:
    """Their own and those that are shared with them, the one that changed last first."""
    lists = (each for each in Shortlist.objects.readable_by(request.user.pk) if _begins(each.name, typed))
    return [Place(str(each), _("shortlist"), each.get_absolute_url()) for each in lists][:LISTS]


def _people(typed: str) -> list[Place]:
    try:
        snapshot = live.current()
    except NoIndexYet:
        snapshot = None
    found = named_experts(typed, snapshot)[:PEOPLE]
    return [Place(str(each), each.job_title or each.company, each.get_absolute_url()) for each in found]


def _begins(text: str, typed: str) -> bool:
    """Whether each word that was typed begins a word of the text."""
    words = folded(text).split()
    return all(any(word.startswith(start) for word in words) for start in folded_words(typed))
