"""Search and suggestions, for any member of staff."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Query

from indexing import search
from indexing.api.auth import caller
from indexing.api.routing import StrictRouter
from indexing.api.schemas.common import NOT_BLANK, REFUSALS, Refusal
from indexing.api.schemas.search import SearchFilters, SearchResults, Suggested
from indexing.errors import EmptyQuery
from indexing.lib.rights import DOCUMENTS, may
from indexing.lib.translation import translated
from indexing.search import log
from indexing.search.explanation import Explainer
from indexing.search.facet_counts import FacetedQuery
from indexing.search.filters import NONE
from indexing.search.highlights import Marker
from indexing.search.parameters import SearchParameters
from indexing.search.suggest import suggest
from indexing.search.words_instead import NOTICE, words_if_needed
from indexing.serving import live

router = StrictRouter(tags=["search"])


@router.get(
    "/search",
    response={200: SearchResults, 503: Refusal, **REFUSALS},
    summary="Find experts",
    description=(
        "All hits come from one version of the index, `version`. Returns 503 while there is no index. Filters are "
        "applied inside the search: `k` hits come back if `k` experts match. Only active experts are found. While "
        "the vectors cannot be searched, a hybrid search goes by words alone: `mode` is then `keyword`, and `notice` "
        "says so."
    ),
)
def find(
    request: HttpRequest,
    q: str = Query(min_length=1, pattern=NOT_BLANK, description="What to look for."),
    k: int = Query(10, ge=1, le=search.MAX_K),
    mode: search.Mode = search.Mode.HYBRID,
    explain: bool = Query(False, description="Explain each hit. Takes several times as long."),
    *,
    filters_given: Query[SearchFilters],
) -> HttpResponse:
    """The results as JSON, written here: ninja would check and copy them once more, and then write them in Python.

    Raises EmptyQuery and InvalidFilter (422), NoIndexYet and MeaningUnavailable (503)."""
    filters = SearchParameters(**filters_given.dict()).filters(strictly=True)
    if not q.strip():
        raise EmptyQuery  # also while there is no index yet
    snapshot = live.current()

    def answer(mode: search.Mode) -> tuple[search.Results, SearchResults]:
        results = search.search(q, snapshot, k, mode, filters=filters)
        facets = FacetedQuery(results, snapshot, filters).facets()
        marker = Marker.of_hits(results.query, snapshot.keywords, results.hits)
        documents = any(hit.document for hit in results.hits) and may(caller(request), DOCUMENTS)  # asks the database
        shown = SearchResults.from_results(results, facets, marker, documents=documents)
        return results, shown.explained(results, Explainer(q, snapshot, mode, filters)) if explain else shown

    results, shown = words_if_needed(mode, answer)
    log.note(results, k, filtered=filters != NONE)
    if results.mode != mode:
        shown.notice = translated(NOTICE)
    return HttpResponse(shown.model_dump_json(), content_type="application/json; charset=utf-8")


@router.get(
    "/suggest",
    response={200: Suggested, 503: Refusal, **REFUSALS},
    summary="Suggest completions",
    description=(
        "People, job titles, companies and tags with a word that begins with `q`, ignoring case and accents. A few "
        "of each kind, from active experts only."
    ),
)
def complete(request: HttpRequest, q: str) -> Suggested:
    """Raises NoIndexYet (503)."""
    return Suggested.from_suggestions(q, suggest(q, live.current()))
