"""What people do with search and its results: sums without names, for reports of other programs."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Query

from indexing.api.auth import staff
from indexing.api.routing import StrictRouter
from indexing.api.schemas.common import REFUSALS
from indexing.api.schemas.use import Use
from indexing.search import use_figures

router = StrictRouter(tags=["search"])


@router.get(
    "/use",
    auth=staff("indexing.view"),
    response={200: Use, **REFUSALS},
    summary="What people search for and do with results",
    description=(
        "Needs the permission `indexing.view`. Sums over all days that are stored (`TCS_SEARCH_LOG_DAYS`), without "
        "who did it or when on a day."
    ),
)
def use_counts(
    request: HttpRequest,
    limit: int = Query(100, ge=1, le=1_000, description="Queries and experts, at most that many of each."),
) -> Use:
    queries = use_figures.frequent_queries(limit)
    return Use.from_figures(use_figures.trends(), queries, use_figures.often_shown(limit))
