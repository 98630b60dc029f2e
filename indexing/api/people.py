"""Questions about one expert, for any member of staff."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Path, Query
from ninja.errors import HttpError

from experts.models import Expert
from experts.numbers import LARGEST_ID
from indexing import search
from indexing.api.routing import StrictRouter
from indexing.api.schemas.common import REFUSALS, Refusal
from indexing.api.schemas.search import SearchFilters
from indexing.api.schemas.similar import SimilarOut
from indexing.search.parameters import SearchParameters
from indexing.search.similar import similar_experts
from indexing.serving import live

router = StrictRouter(tags=["search"])


@router.get(
    "/experts/{expert_id}/similar",
    response={200: SimilarOut, 404: Refusal, 503: Refusal, **REFUSALS},
    summary="Find experts similar to one",
    description=(
        "Compares whole profiles by meaning, as the version of the index has them. The filters are those of "
        "`/api/search`. Returns 404 if there is no such active expert, or the version does not have them yet."
    ),
)
def find_similar(
    request: HttpRequest,
    expert_id: int = Path(ge=1, le=LARGEST_ID),
    k: int = Query(10, ge=1, le=search.MAX_K),
    *,
    filters_given: Query[SearchFilters],
) -> SimilarOut:
    """Raises InvalidFilter (422), NoIndexYet (503), NotInVersion (404)."""
    filters = SearchParameters(**filters_given.dict()).filters(strictly=True)
    expert = Expert.objects.active().filter(pk=expert_id).first()
    if expert is None:
        raise HttpError(404, _("There is no such active expert."))
    return SimilarOut.from_similar(similar_experts(expert, live.current(), k, filters=filters))
