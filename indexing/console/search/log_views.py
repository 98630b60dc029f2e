"""What people search for, and how often they find nobody."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from indexing.console.access import VIEW, ConsoleRequest, allowed
from indexing.console.responses import admin_context
from indexing.models import SearchLog
from indexing.search import log_figures

RECENT = 20
RANKED = 20


@require_safe
@never_cache
@allowed(VIEW)
def searches_page(request: ConsoleRequest) -> HttpResponse:
    context = {
        "title": _("Searches"),
        "figures": log_figures.search_figures(),
        "nobody": SearchLog.objects.finding_nobody()[:RANKED],
        "recent": SearchLog.objects.all()[:RECENT],
        "kept_days": settings.TCS_SEARCH_LOG_DAYS,
        "threshold": settings.TCS_ON_TOPIC,
    }
    return render(request, "indexing/search/log.html", admin_context(request) | context)
