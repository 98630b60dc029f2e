"""The experts who are like one expert, with the filters of the search page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from experts.models import Expert
from experts.shortlists.stars import starred_by
from indexing.console.access import ConsoleRequest, allowed
from indexing.console.responses import kept_for_back
from indexing.console.search.cards import CardLinks, CardMaker, ShownCard
from indexing.console.search.form import SearchForm
from indexing.console.search.named_version import named_snapshot
from indexing.errors import IndexingError
from indexing.lib.translation import translated
from indexing.search.similar import SimilarExperts, similar_experts

STEPS = (20, 50, 100)
"""Experts that are shown at first, and after each “Show more”."""


@require_safe
@kept_for_back
@allowed()
def similar_page(request: ConsoleRequest, expert_id: int) -> HttpResponse:
    """Raises Http404 without such an active expert."""
    expert = get_object_or_404(Expert.objects.active(), pk=expert_id)
    k = next((step for step in STEPS if str(step) == request.GET.get("k")), STEPS[0])
    status = 200
    try:
        snapshot = named_snapshot(request)
        form = SearchForm.from_address(request.GET, snapshot)
        similar = similar_experts(expert, snapshot, k, filters=form.parameters.filters())
        context = {
            "similar": similar,
            "cards": _cards(request, form, similar),
            "more": _more(request, k) if len(similar.hits) == k else None,
        }
    except IndexingError as error:
        form = SearchForm.from_address(request.GET, None)
        context, status = {"sentence": translated(error)}, error.status
    context |= _around(request, form) | {"expert": expert}
    return render(request, "indexing/search/similar.html", context, status=status)


def _cards(request: ConsoleRequest, form: SearchForm, similar: SimilarExperts) -> list[ShownCard]:
    form = replace(form, version=request.GET.get("version", ""))
    links = CardLinks(filters=form.filters_address(), contact="?q=")
    maker = CardMaker(links, starred_by(request.user))
    return [maker.card(each.hit, each.shared_tags, with_meaning=False) for each in similar.hits]


def _more(request: ConsoleRequest, k: int) -> str | None:
    """The address with the next number of experts; None after the last."""
    more = next((step for step in STEPS if step > k), None)
    if more is None:
        return None
    address = request.GET.copy()
    address["k"] = str(more)
    return f"?{address.urlencode()}"


def _around(request: ConsoleRequest, form: SearchForm) -> dict[str, Any]:
    """The filters, and what the reader may do."""
    form = replace(form, version=request.GET.get("version", ""))
    return {
        "chips": list(form.chips()),
        "bare_address": form.address_without_filters(),
        "filters_address": form.filters_address(),
        "marker": None,
        "form": form,
    }
