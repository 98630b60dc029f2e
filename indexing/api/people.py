"""Questions about one expert, for whoever may search."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Path, Query
from ninja.errors import HttpError

from experts.models import Expert
from experts.numbers import LARGEST_ID
from indexing import search
from indexing.api.auth import caller
from indexing.api.routing import StrictRouter
from indexing.api.schemas.common import NOT_BLANK, REFUSALS, Refusal
from indexing.api.schemas.explanations import PersonOut, StandingOut, WhereOut
from indexing.api.schemas.search import SearchFilters
from indexing.api.schemas.similar import SimilarOut
from indexing.lib.rights import may
from indexing.search.parameters import SearchParameters
from indexing.search.similar import similar_experts
from indexing.search.standing import named_experts, standing, visible_experts
from indexing.serving import live

router = StrictRouter(tags=["search"])


@router.get(
    "/where",
    response={200: WhereOut, 404: Refusal, 503: Refusal, **REFUSALS},
    summary="Find the rank of one expert",
    description=(
        "Where an expert is for a search, also beyond the list, and what holds them back. Name them by `who`, a "
        "username or a name, or by `expert`, an id. Inactive experts are found by those who may see them in the "
        "directory. Returns 404 if there is no such expert."
    ),
)
def find_rank(
    request: HttpRequest,
    q: str = Query(min_length=1, pattern=NOT_BLANK, description="What is searched for."),
    who: str = Query("", max_length=200, description="A username, a name or its beginning."),
    expert: int | None = Query(None, ge=1, le=LARGEST_ID, description="The id of an expert, instead of `who`."),
    mode: search.Mode = search.Mode.HYBRID,
    *,
    filters_given: Query[SearchFilters],
) -> WhereOut:
    """Raises InvalidFilter (422), HttpError (404), NoIndexYet and EncoderUnavailable (503)."""
    filters = SearchParameters(**filters_given.dict()).filters(strictly=True)
    snapshot, may_open = live.current(), _may_open(request)
    if expert is not None:
        people = list(visible_experts(also_inactive=may_open).filter(pk=expert))
    else:
        people = named_experts(who, snapshot, also_inactive=may_open)
    if not people:
        raise HttpError(404, _("Nobody in the directory has that name."))
    found = standing(people[0], q, snapshot, mode, filters) if len(people) == 1 else None
    return WhereOut(
        people=[PersonOut.from_expert(each) for each in people],
        standing=StandingOut.from_standing(found) if found else None,
    )


def _may_open(request: HttpRequest) -> bool:
    return may(caller(request), "experts.view_expert", "experts.change_expert")


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
    """Raises InvalidFilter (422), HttpError and NotInVersion (404), NoIndexYet (503)."""
    filters = SearchParameters(**filters_given.dict()).filters(strictly=True)
    expert = Expert.objects.active().filter(pk=expert_id).first()
    if expert is None:
        raise HttpError(404, _("There is no such active expert."))
    return SimilarOut.from_similar(similar_experts(expert, live.current(), k, filters=filters))
