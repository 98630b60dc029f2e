"""The directory for programs that keep it: list experts, add, change and delete them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Header, Query, Status
from ninja.errors import HttpError

from experts import editing
from experts.editing import UsernameTaken
from experts.models import CONTACT, Expert, ExpertQuerySet, ExpertTag, hidden_fields
from experts.numbers import LARGEST_ID
from experts.selection import Selection
from indexing.api.auth import caller, staff
from indexing.api.routing import StrictRouter
from indexing.api.schemas.common import REFUSALS, Refusal
from indexing.api.schemas.experts import ExpertFields, ExpertFilters, ExpertOut, ExpertPage, NewExpert, etag
from indexing.api.usernames import USERNAME, find_expert, unknown_expert

router = StrictRouter(tags=["directory"])
SEES = ("experts.view_expert", "experts.change_expert")
ONE = "/experts/{path:username}"
IF_MATCH = Header("", alias="If-Match", description="`etag` of the expert as you know them: refused if they changed.")


@router.get(
    "/experts",
    auth=staff(*SEES),
    response={200: ExpertPage, **REFUSALS},
    summary="List the experts of the directory",
    description=(
        "Needs the permission `experts.view_expert`. All experts, active or not and searchable or not, by id. "
        "`count` is how many pass the filters."
    ),
)
def list_experts(
    request: HttpRequest,
    limit: int = Query(50, ge=1, le=200),
    after: int = Query(0, ge=0, le=LARGEST_ID, description="Return only experts with a higher id."),
    *,
    given: Query[ExpertFilters],
) -> ExpertPage:
    """Raises FieldsInvalid (422)."""
    selected = Selection(
        words=given.q,
        is_active=given.is_active,
        tags=given.tag,
        industries=given.industry,
        categories=given.category,
        countries=given.country,
        languages=given.language,
        available_by=given.available_by,
        updated_since=None if given.updated_since is None else datetime.fromtimestamp(given.updated_since, UTC),
    ).experts()
    page = list(_with_tags(selected.filter(pk__gt=after).order_by("pk"))[: limit + 1])
    hidden = hidden_fields(caller(request))
    return ExpertPage(
        count=selected.order_by().count(),
        experts=[ExpertOut.from_expert(expert, hidden) for expert in page[:limit]],
        next=page[limit - 1].pk if len(page) > limit else None,
    )


@router.get(
    ONE,
    auth=staff(*SEES),
    response={200: ExpertOut, 404: Refusal, **REFUSALS},
    summary="Get an expert of the directory",
    description="Needs the permission `experts.view_expert`.",
)
def show_expert(request: HttpRequest, response: HttpResponse, username: str = USERNAME) -> ExpertOut:
    """Raises HttpError 404."""
    return _answer(request, response, find_expert(username).pk)


@router.post(
    "/experts",
    auth=staff("experts.add_expert"),
    response={201: ExpertOut, 409: Refusal, **REFUSALS},
    summary="Add an expert",
    description=(
        "Needs the permission `experts.add_expert`. Values are checked as in an import. Returns 409 if another "
        "expert has this username, or one that reads the same."
    ),
)
def add_expert(request: HttpRequest, response: HttpResponse, fields: NewExpert) -> Status[ExpertOut]:
    """Raises FieldsInvalid (422), HttpError 403 for a contact, 409 for a username that is taken."""
    values = fields.given()
    _may_set(request, values)
    try:
        expert = editing.create(values, caller(request))
    except UsernameTaken as error:
        raise HttpError(409, str(error)) from None
    return Status(201, _answer(request, response, expert.pk))


@router.patch(
    ONE,
    auth=staff("experts.change_expert"),
    response={200: ExpertOut, 404: Refusal, 409: Refusal, 412: Refusal, **REFUSALS},
    summary="Change an expert",
    description=(
        "Needs the permission `experts.change_expert`. Changes only what is sent; `is_active: false` hides the "
        "expert from search. Returns 412 if the expert has changed since `If-Match`."
    ),
)
def change_expert(
    request: HttpRequest,
    response: HttpResponse,
    fields: ExpertFields,
    username: str = USERNAME,
    if_match: str = IF_MATCH,
) -> ExpertOut:
    """Raises FieldsInvalid (422), HttpError 403 for a contact, 404, 409 for a username that is taken, and 412."""
    values = fields.given()
    _may_set(request, values)
    try:
        expert = editing.change(find_expert(username).pk, values, caller(request), _unchanged_since(if_match))
    except UsernameTaken as error:
        raise HttpError(409, str(error)) from None
    except Expert.DoesNotExist:
        raise unknown_expert() from None
    return _answer(request, response, expert.pk)


@router.delete(
    ONE,
    auth=staff("experts.delete_expert"),
    response={204: None, 404: Refusal, 412: Refusal, **REFUSALS},
    summary="Delete an expert",
    description=(
        "Needs the permission `experts.delete_expert`. For good, with their tags, as in the admin: to hide somebody, "
        "change `is_active`. Returns 412 if the expert has changed since `If-Match`."
    ),
)
def delete_expert(request: HttpRequest, username: str = USERNAME, if_match: str = IF_MATCH) -> Status[None]:
    """Raises HttpError 404 and 412."""
    try:
        editing.remove(find_expert(username).pk, caller(request), _unchanged_since(if_match))
    except Expert.DoesNotExist:
        raise unknown_expert() from None
    return Status(204, None)


def _with_tags(experts: ExpertQuerySet) -> ExpertQuerySet:
    rows = ExpertTag.objects.select_related("tag")
    tagged: ExpertQuerySet = experts.prefetch_related(Prefetch("expert_tags", queryset=rows))
    return tagged


def _answer(request: HttpRequest, response: HttpResponse, pk: int) -> ExpertOut:
    expert = _with_tags(Expert.objects.filter(pk=pk)).first()
    if expert is None:
        raise unknown_expert()
    response["ETag"] = etag(expert)
    return ExpertOut.from_expert(expert, hidden_fields(caller(request)))


def _may_set(request: HttpRequest, values: dict[str, object]) -> None:
    """Raises HttpError 403 where a contact is sent by somebody who may not see it."""
    if hidden_fields(caller(request)) and (sent := [name for name in CONTACT if name in values]):
        raise HttpError(
            403,
            _("%(user)s may not set “%(field)s” without the permission “%(permission)s”.")
            % {
                "user": caller(request).get_username(),
                "field": sent[0],
                "permission": "experts.view_contact",
            },
        )


def _unchanged_since(if_match: str) -> Callable[[Expert], None]:
    """A check that raises HttpError 412 unless the expert has one of the entity tags; an empty text has all."""
    known = {part.strip().removeprefix("W/") for part in if_match.split(",")} - {""}

    def check(expert: Expert) -> None:
        if known and "*" not in known and etag(expert) not in known:
            raise HttpError(412, _("%(name)s has changed in the meantime. Get the expert again.") % {"name": expert})

    return check
