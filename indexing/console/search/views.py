"""The search page, and the part of it that htmx replaces while somebody types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django_htmx.http import push_url, replace_url

from experts import browsing
from experts.models import Expert
from experts.numbers import whole_number
from experts.safe_text import without_bidi_controls
from experts.shortlists.stars import starred_by
from indexing.console.access import REBUILD, VIEW, ConsoleRequest, allowed, may
from indexing.console.responses import kept_for_back, page_or_fragment, wants_fragment
from indexing.console.search.cards import CardLinks, CardMaker
from indexing.console.search.form import SearchForm
from indexing.console.search_modes import mode_choices, sort_choices
from indexing.errors import MeaningUnavailable, NoIndexYet
from indexing.lib.rights import DOCUMENTS
from indexing.lib.translation import translated
from indexing.search import MAX_K, Hit, Mode, Results, log, search
from indexing.search.facet_counts import FacetedQuery
from indexing.search.filters import Filters, InvalidFilter
from indexing.search.highlights import Marker
from indexing.search.parameters import SearchParameters
from indexing.search.words_instead import NOTICE, words_if_needed
from indexing.serving import live
from indexing.snapshot.reader import Snapshot

STEPS = (20, 50, MAX_K)
"""Hits that are shown at first, and after each “Show more”."""


@require_safe
@kept_for_back
@allowed()
def search_page(request: ConsoleRequest) -> HttpResponse:
    """The page, or for htmx the results and the facets alone."""
    snapshot = _snapshot()
    form = SearchForm.from_address(request.GET, snapshot)
    k = next((step for step in STEPS if str(step) == request.GET.get("k")), STEPS[0])
    context, status = _answer(form, snapshot, k)
    context |= _rights(request) | {
        "page_title": _page_title(form.query),
        "form": form,
        "query": form.query,
        "mode": form.mode,
        "modes": mode_choices(),
        "sorts": sort_choices(),
        "chips": list(form.chips()),
        "examples": examples(),
        "noted": whole_number(request.GET.get("noted")),
    }
    addresses = _addresses(form)
    context |= _choices(snapshot) | addresses | _cards(request, context, addresses)
    if "results" in context and k == STEPS[0]:
        _log(request, context["results"], filtered=bool(context["chips"]))
    response = page_or_fragment(
        request,
        context,
        page="indexing/search/page.html",
        fragment="indexing/search/_answer.html",
        status=status,
        in_admin=False,
    )
    return _with_address(request, response, form, k) if wants_fragment(request) else response


def _cards(request: ConsoleRequest, context: dict[str, Any], addresses: dict[str, str]) -> dict[str, object]:
    """The hits as cards: the strong ones, and the weak ones."""
    if context["view"] != "results":
        return {}
    links = CardLinks(
        results=addresses["results_address"],
        filters=addresses["filters_address"],
        where=addresses["where_address"],
        contact=f"?q={quote(context['query'], safe='')}",
    )
    documents = any(hit.document for hit in context["hits"]) and may(request.user, DOCUMENTS)
    maker = CardMaker(links, starred_by(request.user), context["marker"], documents=documents)
    return {
        "strong": maker.cards(hit for hit in context["hits"] if hit.is_strong),
        "weak": maker.cards(hit for hit in context["hits"] if not hit.is_strong),
    }


def _choices(snapshot: Snapshot | None) -> dict[str, object]:
    """The filters that only a version with such data offers."""
    if snapshot is None:
        return {"currencies": [], "has_days": False}
    places = snapshot.facets.places
    return {
        "currencies": list(snapshot.facets.currency_counts()),
        "has_days": bool(places and places.has_days),
    }


def _rights(request: ConsoleRequest) -> dict[str, bool]:
    return {
        "may_see_index": may(request.user, VIEW),
        "may_rebuild": may(request.user, REBUILD),
    }


def _addresses(form: SearchForm) -> dict[str, str]:
    return {
        "bare_address": form.address_without_filters(),
        "results_address": form.address(),
        "filters_address": form.filters_address(),
        "where_address": reverse("where") + form.address(),
        "not_a_match_address": reverse("not-a-match") + form.address(),
        "keyword_address": form.address(mode=Mode.KEYWORD),
        "hybrid_address": form.address(mode=""),
    }


def _page_title(query: str) -> str:
    words = without_bidi_controls(Truncator(query.strip()).chars(60))
    return f"{words} | {_('Search experts')}" if words else _("Search experts")


def _log(request: ConsoleRequest, results: Results, *, filtered: bool) -> None:
    """Add the search to the log, unless the reader only went back. A query from htmx may be half typed."""
    if not request.htmx.history_restore_request:
        session = request.session.session_key
        log.note(results, STEPS[0], session=session, complete=not request.htmx, filtered=filtered)


def _snapshot() -> Snapshot | None:
    try:
        return live.current()
    except NoIndexYet:
        return None


def _answer(form: SearchForm, snapshot: Snapshot | None, k: int) -> tuple[dict[str, Any], int]:
    """What to show, and the status of a whole page: htmx would not show what comes with an error status."""
    if not form.query.strip():
        return {"view": "empty"}, 200
    if snapshot is None:
        return {"view": "no_index", "problem": live.problem()}, 503
    try:
        filters = form.parameters.filters()
        return words_if_needed(form.mode, partial(_found, form, snapshot, k, filters)), 200
    except MeaningUnavailable as error:
        return {"view": "no_encoder", "sentence": translated(error)}, error.status
    except InvalidFilter as error:
        return {"view": "invalid", "sentence": translated(error)}, error.status


def _found(form: SearchForm, snapshot: Snapshot, k: int, filters: Filters, mode: Mode) -> dict[str, Any]:
    results = search(form.query, snapshot, MAX_K if form.sort else k, mode, filters=filters)
    faceted = FacetedQuery(results, snapshot, filters)
    shown = _sorted(results.hits, form.sort)[:k]
    context = {
        "view": "results" if results.hits else "nothing",
        "results": results,
        "words_instead": translated(NOTICE) if mode != form.mode else "",
        "facets": faceted.facets(),
        "hits": shown,
        "marker": Marker.of_hits(results.query, snapshot.keywords, results.hits),
        "milliseconds": max(round(results.seconds * 1000), 1),
    }
    if not results.hits:
        return context | _suggestions(form, faceted)
    more = next((step for step in STEPS if step > k), None) if len(shown) == k else None
    return context | {"more": form.address(k=str(more)) if more else None}


def _sorted(hits: Sequence[Hit], sort: str) -> list[Hit]:
    """Strong matches stay first; without `sort` the order is that of the search."""
    if not sort:
        return list(hits)
    ids = browsing.sorted_ids(Expert.objects.filter(pk__in=[hit.expert.pk for hit in hits]), sort, few=True)
    place = {key: number for number, key in enumerate(ids)}
    return sorted(hits, key=lambda hit: (not hit.is_strong, place.get(hit.expert.pk, len(place))))


def _suggestions(form: SearchForm, faceted: FacetedQuery) -> dict[str, Any]:
    """If nobody is found: the filter whose removal finds most experts, and tags that are close to the query."""
    loosened = faceted.loosened()
    name = ""
    if loosened and isinstance(loosened.value, str):  # one of several languages
        name = loosened.value
    elif loosened and loosened.group == "tags" and isinstance(loosened.value, int):  # one of several that must match
        name = next(
            (tag for tag in form.parameters.tag if SearchParameters(tag=(tag,)).filters().tags == (loosened.value,)),
            "",
        )
    try:
        near = faceted.near_tags()
    except MeaningUnavailable:  # without a model there are no related tags
        near = []
    return {
        "loosened": loosened,
        "loosened_label": form.label_of(loosened.group, name) if loosened else "",
        "loosened_address": form.address_without(loosened.group, name) if loosened else "",
        "near_tags": [(tag, _near_address(form, tag.name)) for tag in near],
    }


def _near_address(form: SearchForm, tag: str) -> str:
    """The query with that tag alone: with the other filters, nobody would be found again."""
    return f"?{urlencode({'q': form.query, 'tag': tag}, errors='replace')}"


def _with_address(request: ConsoleRequest, response: HttpResponse, form: SearchForm, k: int) -> HttpResponse:
    """Put the address of what is shown into the address bar, so that it can be shared and “back” shows as many.

    The first search adds an entry to the browser's history. Typing on replaces that entry: otherwise “back” would go
    letter by letter.
    """
    address = request.path + (form.address(k=str(k) if k != STEPS[0] else "") if form.pairs() else "")
    here = request.htmx.current_url_abs_path or ""
    put: Callable[[HttpResponse, str], HttpResponse] = replace_url if "q=" in here else push_url
    return put(response, address)


def examples() -> list[str]:
    """Queries to try, in the language of the reader, for who has not searched yet."""
    return [
        _("lawyer for software licences"),
        _("somebody who makes old houses warm"),
        _("machine learning in hospitals"),
        _("crisis communication"),
    ]
