"""What people search for and do with results, as CSV files."""

from __future__ import annotations

import csv
from collections.abc import Iterable

from django.http import HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from experts.importing.cells import mark_formula
from indexing.console.access import VIEW, ConsoleRequest, allowed
from indexing.models.use import Action
from indexing.search import use_figures


@require_safe
@never_cache
@allowed(VIEW)
def export_queries(request: ConsoleRequest) -> HttpResponse:
    """A row for each query, the most frequent first."""
    names = ["query", "searches", "without_results", *Action.values, "last"]
    return _csv(
        "queries.csv",
        names,
        (
            [each.query, each.searches, each.zero, each.opened, each.contacted, each.rejected, each.last.isoformat()]
            for each in use_figures.frequent_queries(None)
        ),
    )


@require_safe
@never_cache
@allowed(VIEW)
def export_experts(request: ConsoleRequest) -> HttpResponse:
    """A row for each expert who was shown, the most often shown first."""
    names = ["username", "name", "shown", *Action.values]
    return _csv(
        "experts_shown.csv",
        names,
        (
            [each.expert.username, each.expert.full_name, each.shown, each.opened, each.contacted, each.rejected]
            for each in use_figures.all_experts()
        ),
    )


def _csv(name: str, names: list[str], rows: Iterable[list[object]]) -> HttpResponse:
    response = HttpResponse(
        content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
    response.write("\ufeff")  # Excel takes it for another encoding otherwise
    writer = csv.writer(response)
    writer.writerow(names)
    writer.writerows([mark_formula(each) if isinstance(each, str) else each for each in row] for row in rows)
    return response
