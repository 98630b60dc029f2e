"""Versions: list them, and decide about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Path, Query
from ninja.errors import HttpError

from experts.numbers import LARGEST_ID
from indexing.api.auth import actor, staff
from indexing.api.routing import StrictRouter
from indexing.api.schemas.common import REFUSALS, BusyRefusal, Refusal
from indexing.api.schemas.versions import Decided, Pinned, ReasonRequest, Released, Sweep, Version, Versions
from indexing.audit import Actor
from indexing.models import IndexState, IndexVersion
from indexing.versions import decisions, pinning, sweep

router = StrictRouter(tags=["versions"])

NEEDS_PUBLISH = "Needs the permission `indexing.publish`."
Number = Path(ge=1, le=LARGEST_ID)


@router.get(
    "/versions",
    auth=staff("indexing.view"),
    response={200: Versions, **REFUSALS},
    summary="List versions, newest first",
    description="Needs the permission `indexing.view`.",
)
def list_versions(
    request: HttpRequest,
    limit: int = Query(50, ge=1, le=200),
    before: int | None = Query(None, ge=1, le=LARGEST_ID, description="Return only versions with a lower number."),
) -> Versions:
    found = IndexVersion.objects.select_related("run").prefetch_related("publications").order_by("-number")
    if before is not None:
        found = found.filter(number__lt=before)
    page = list(found[: limit + 1])
    state = IndexState.read()
    return Versions(
        live=state.live_version_id,
        schedule_on_hold=bool(state.schedule_paused_at),
        sweep=Sweep(**asdict(sweep.forecast())),
        versions=[Version.from_version(version) for version in page[:limit]],
        next=page[limit - 1].number if len(page) > limit else None,
    )


@router.post(
    "/versions/{number}/publish",
    auth=staff("indexing.publish"),
    response={200: Decided, 404: Refusal, 409: Refusal, 503: Refusal, **REFUSALS},
    summary="Publish a held version",
    description=NEEDS_PUBLISH,
)
def publish_version(request: HttpRequest, body: ReasonRequest, number: int = Number) -> Decided:
    return _decide(request, decisions.approve, number, body.reason)


@router.post(
    "/versions/{number}/discard",
    auth=staff("indexing.publish"),
    response={200: Decided, 404: Refusal, 409: Refusal, **REFUSALS},
    summary="Discard a held version",
    description=f"{NEEDS_PUBLISH} Its files are deleted after the next run.",
)
def discard_version(request: HttpRequest, body: ReasonRequest, number: int = Number) -> Decided:
    return _decide(request, decisions.discard, number, body.reason)


@router.post(
    "/versions/{number}/rollback",
    auth=staff("indexing.publish"),
    response={200: Decided, 404: Refusal, 409: BusyRefusal | Refusal, 503: Refusal, **REFUSALS},
    summary="Roll back to a kept version",
    description=f"{NEEDS_PUBLISH} Takes seconds: nothing is rebuilt. Scheduled rebuilds are paused until resumed.",
)
def roll_back(request: HttpRequest, body: ReasonRequest, number: int = Number) -> Decided:
    return _decide(request, decisions.roll_back, number, body.reason)


@router.post(
    "/versions/{number}/pin",
    auth=staff("indexing.publish"),
    response={200: Pinned, 404: Refusal, 409: Refusal, **REFUSALS},
    summary="Pin a version",
    description=f"{NEEDS_PUBLISH} A pinned version is never deleted. Only live and kept versions can be pinned.",
)
def pin_version(request: HttpRequest, body: ReasonRequest, number: int = Number) -> Pinned:
    _decide(request, pinning.pin, number, body.reason)
    return Pinned(version=number, pinned=True)


@router.post(
    "/versions/{number}/unpin",
    auth=staff("indexing.publish"),
    response={200: Pinned, 404: Refusal, 409: Refusal, **REFUSALS},
    summary="Unpin a version",
    description=NEEDS_PUBLISH,
)
def unpin_version(request: HttpRequest, body: ReasonRequest, number: int = Number) -> Pinned:
    _decide(request, pinning.unpin, number, body.reason)
    return Pinned(version=number, pinned=False)


@router.post(
    "/schedule/release",
    url_name="release_schedule",
    auth=staff("indexing.publish"),
    response={200: Released, **REFUSALS},
    summary="Resume scheduled rebuilds after a rollback",
    description=f"{NEEDS_PUBLISH} `released` is false if they were not paused.",
)
def resume_schedule(request: HttpRequest) -> Released:
    return Released(released=decisions.resume_schedule(actor(request)))


def _decide(request: HttpRequest, decide: Callable[[int, Actor, str], None], number: int, reason: str) -> Decided:
    if not IndexVersion.objects.filter(pk=number).exists():
        raise HttpError(404, _("There is no version %(number)s.") % {"number": number})
    decide(number, actor(request), reason)
    version = IndexVersion.objects.get(pk=number)
    return Decided(version=number, state=version.state, live=IndexState.read().live_version_id)
