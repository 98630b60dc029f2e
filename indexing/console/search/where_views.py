"""Where one expert is for a search, and why: a page, and the explanation that a hit opens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from experts.numbers import whole_number
from indexing.console.access import SEE_INACTIVE, ConsoleRequest, allowed, may
from indexing.console.responses import kept_for_back, page_or_fragment, wants_fragment
from indexing.console.search.form import SearchForm
from indexing.console.search.named_version import named_snapshot
from indexing.errors import IndexingError, NoIndexYet
from indexing.lib.rights import DOCUMENTS
from indexing.lib.translation import translated
from indexing.search import reasons
from indexing.search.explanation import Explanation
from indexing.search.highlights import Marker
from indexing.search.standing import Standing, named_experts, standing, visible_experts
from indexing.serving import live
from indexing.snapshot.reader import Snapshot

MAX_NAME = 200
"""Characters of a name that are looked at."""


@require_safe
@kept_for_back
@allowed()
def where_page(request: ConsoleRequest) -> HttpResponse:
    """For the expert with the id `expert`, or named `who`: the page, or for htmx the explanation alone."""
    status, form = 200, SearchForm.from_address(request.GET, None)
    try:
        snapshot = named_snapshot(request)
        form = replace(SearchForm.from_address(request.GET, snapshot), version=request.GET.get("version", ""))
        answer = _answer(request, form, snapshot)
    except IndexingError as error:
        answer, status = {"sentence": translated(error)}, error.status
    context = answer | {
        "form": form,
        "chips": list(form.chips()),
        "bare_address": form.address_without_filters(),
        "where_address": form.address(),
        "who": request.GET.get("who", "")[:MAX_NAME],
        "marker": None,
    }
    return page_or_fragment(
        request,
        context,
        page="indexing/search/where.html",
        fragment="indexing/search/_explanation.html",
        status=status,
        in_admin=False,
    )


@require_safe
@never_cache
@allowed()
def people_options(request: ConsoleRequest) -> HttpResponse:
    """The options of the field for a name: the experts who have one that begins like `who`."""
    try:
        snapshot = live.current()
    except NoIndexYet:
        snapshot = None
    people = named_experts(_who(request), snapshot, also_inactive=_may_open(request))
    return render(request, "indexing/search/_people_options.html", {"people": people})


def _answer(request: ConsoleRequest, form: SearchForm, snapshot: Snapshot) -> dict[str, Any]:
    """The standing of the expert that the address names, or all who have that name."""
    number = whole_number(request.GET.get("expert"))
    if number:
        people = list(visible_experts(also_inactive=_may_open(request)).filter(pk=number))
    else:
        people = named_experts(_who(request), snapshot, also_inactive=_may_open(request))
    if not people:
        named = number or _who(request)
        return {"sentence": _("Nobody in the directory has that name.")} if named else {}
    if len(people) > 1:
        return {"people": people}
    if not form.query.strip():
        return {"sentence": _("Type what you are looking for.")}
    found = standing(people[0], form.query, snapshot, form.mode, form.parameters.filters())
    shown = {"standing": found, "hindrances": reasons.hindrances(found)} | _explained(request, found)
    explanation, marker = found.explanation, Marker.from_query(form.query, snapshot.keywords)
    if explanation and explanation.passage:
        shown["passage"] = marker.excerpt(found.expert.bio, explanation.passage)
    elif explanation and explanation.document and may(request.user, DOCUMENTS):
        shown["passage"] = marker.excerpt_of_document(explanation.document)
        shown["document"] = explanation.document.document
    return shown


def _explained(request: ConsoleRequest, found: Standing) -> dict[str, Any]:
    explanation = found.explanation
    if explanation is None:
        return {}
    return {
        "reasons": reasons.reasons(explanation, with_missing=wants_fragment(request)),  # the page names them above
        "changes": reasons.changes(explanation),
        "figures": [(reasons.label(each), each.points) for each in explanation.contributions],
        "usual": _usual(explanation),
    }


def _usual(explanation: Explanation) -> str:
    return "{:.3f} ± {:.3f}".format(*explanation.usual) if explanation.usual else ""


def _who(request: ConsoleRequest) -> str:
    return request.GET.get("who", "")[:MAX_NAME]


def _may_open(request: ConsoleRequest) -> bool:
    """Whether the reader may see inactive experts too."""
    return may(request.user, *SEE_INACTIVE)
