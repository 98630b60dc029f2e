"""Search, for any member of staff."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Query, Router

from indexing import search
from indexing.api.schemas import Invalid, Refusal, SearchResults

router = Router(tags=["search"])


@router.get(
    "/search",
    response={200: SearchResults, 401: Refusal, 403: Refusal, 422: Invalid, 503: Refusal},
    summary="Find experts",
    description="Every hit comes from one version of the index, which is named. 503 while there is no index yet.",
)
def find(
    request: HttpRequest,
    q: str,
    k: int = Query(10, ge=1, le=search.MAX_K),
    mode: search.Mode = search.Mode.HYBRID,
) -> SearchResults:
    return SearchResults.of(search.search(q, k, mode))
