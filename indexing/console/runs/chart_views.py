"""How the last runs went, drawn."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from indexing.console import charts
from indexing.console.access import VIEW, ConsoleRequest, allowed, rights_of
from indexing.console.responses import admin_context


@require_safe
@never_cache
@allowed(VIEW)
def charts_page(request: ConsoleRequest) -> HttpResponse:
    runs = charts.completed_rebuilds()
    context = admin_context(request) | {
        "title": _("Charts"),
        "charts": charts.run_charts(runs) if runs else [],
        "shown": charts.MAX_RUNS,
        "rights": rights_of(request.user),
    }
    return render(request, "indexing/runs/charts.html", context)
