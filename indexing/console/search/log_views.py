"""The log of searches: what people search for, and how often they find nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from indexing.console.access import VIEW, ConsoleRequest, allowed
from indexing.console.responses import admin_context
from indexing.console.search_modes import mode_label
from indexing.models import SearchLog
from indexing.search import Mode, log_figures

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
    context = {
        "title": _("Searches"),
        "figures": log_figures.search_figures(),
        "unanswered": [_unanswered(row) for row in SearchLog.objects.finding_nobody()[:RANKED]],
        "recent": [(row, mode_label(Mode(row.mode))) for row in SearchLog.objects.all()[:RECENT]],
        "kept_days": settings.TCS_SEARCH_LOG_DAYS,
        "threshold": settings.TCS_ON_TOPIC,
    }
    return render(request, "indexing/search/log.html", admin_context(request) | context)


def _unanswered(row: Mapping[str, Any]) -> UnansweredQuery:
    """The line for a row of `SearchLogQuerySet.finding_nobody`."""
    if row["zero"] == row["count"]:
        result = _("no results")
    elif row["zero"]:
        result = _("no results, or weak matches only")
    else:
        result = _("weak matches only")
    return UnansweredQuery(row["folded"], row["count"], row["last"], result)
