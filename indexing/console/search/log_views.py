"""The log of searches: what people search for, and how often they find nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from indexing.console.access import VIEW, ConsoleRequest, allowed, may
from indexing.console.responses import admin_context
from indexing.console.search_modes import mode_label
from indexing.models import QueryUse, SearchLog
from indexing.models.use import SHOWN_OFTEN
from indexing.search import Mode, log_figures, use_figures

RECENT = 20
RANKED = 20


@dataclass(frozen=True, slots=True)
class UnansweredQuery:
    query: str
    count: int
    last: datetime
    result: str
    """The result in words, such as “no results”."""


@require_safe
@never_cache
@allowed(VIEW)
def searches_page(request: ConsoleRequest) -> HttpResponse:
    """How well searches go, those without good results, and the most recent ones."""
    context = _use(request) | {
        "title": _("Searches"),
        "figures": log_figures.search_figures(),
        "unanswered": [_unanswered(row) for row in SearchLog.objects.finding_nobody()[:RANKED]],
        "recent": [(row, mode_label(Mode(row.mode))) for row in SearchLog.objects.all()[:RECENT]],
        "kept_days": settings.TCS_SEARCH_LOG_DAYS,
    }
    return render(request, "indexing/search/log.html", admin_context(request) | context)


def _use(request: ConsoleRequest) -> dict[str, Any]:
    """What people did with results, and what the reader may do about a query."""
    counted = QueryUse.objects.exists()  # before that, nothing has led anywhere yet
    queries = use_figures.frequent_queries() if counted else []
    return {
        "trends": use_figures.trends(),
        "counted": counted,
        "nowhere": list(islice(use_figures.leading_nowhere(queries), RANKED)),
        "unopened": use_figures.never_opened(RANKED) if counted else [],
        "often": SHOWN_OFTEN,
        "may_add_tests": may(request.user, "indexing.add_searchtest"),
        "may_add_synonyms": may(request.user, "indexing.add_synonym"),
        "may_add_tags": may(request.user, "experts.add_tag"),
    }


def _unanswered(row: Mapping[str, Any]) -> UnansweredQuery:
    """The line for a row of `SearchLogQuerySet.finding_nobody`."""
    if row["zero"] == row["count"]:
        result = _("no results")
    elif row["zero"]:
        result = _("no results, or weak matches only")
    else:
        result = _("weak matches only")
    return UnansweredQuery(row["folded"], row["count"], row["last"], result)
