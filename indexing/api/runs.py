"""Runs: start, watch, cancel."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Body, Path, Query, Status
from ninja.errors import HttpError

from experts.numbers import LARGEST_ID
from indexing import runlog, runs
from indexing.api.auth import actor, staff
from indexing.api.routing import StrictRouter
from indexing.api.schemas.common import NO_NUL, REFUSALS, BusyRefusal, Refusal
from indexing.api.schemas.runs import (
    Cancelling,
    Drift,
    IngestStatus,
    LogLine,
    LogLines,
    Progress,
    Run,
    RunInFull,
    RunRequest,
    Runs,
    Started,
)
from indexing.audit import MAX_REASON
from indexing.drift import status as drift_status
from indexing.lib.times import unix
from indexing.models import RebuildRun
from indexing.runs import launch, status

router = StrictRouter(tags=["index"])

LOG_BYTES = 64 * 1024
SETTLED = timedelta(seconds=3)
"""A worker writes its last lines right after the run has ended; only after this time is the log complete."""


@router.post(
    "/ingest/run",
    auth=staff("indexing.rebuild"),
    response={202: Started, 409: BusyRefusal, **REFUSALS},
    summary="Start a run",
    description="Needs the permission `indexing.rebuild`. Without a body it is a full rebuild.",
)
def start(request: HttpRequest, body: RunRequest = Body(RunRequest())) -> Status:  # noqa: B008  ninja's way
    """Raises Busy, SchedulePaused and Refused (409)."""
    run = launch.request(body.kind, actor(request), reembed=body.reembed, reason=body.reason)
    return Status(202, Started(run=run.pk))


@router.get(
    "/ingest/status",
    auth=staff("indexing.view"),
    response={200: IngestStatus, **REFUSALS},
    summary="Get the status of the index",
    description="Needs the permission `indexing.view`. `status` is idle only until the first run is requested.",
)
def show_status(request: HttpRequest) -> IngestStatus:
    runs.reap()
    now = status.current_status()
    latest = now.latest
    return IngestStatus(
        status=now.api_state,
        log=runlog.tail(latest.pk, LOG_BYTES) if latest else "",
        error=now.sentence or latest.get_state_display() if latest and now.api_state == "error" else None,
        started_at=unix(latest.started_at) if latest else None,
        last_rebuild_at=unix(now.state.last_rebuild_at),
        expert_count_at_rebuild=now.state.expert_count_at_rebuild,
        run=latest.pk if latest else None,
        state=latest.state if latest else None,
        stage=(latest.stage or None) if latest else None,
        progress=Progress.from_progress(now.progress) if now.progress else None,
        version=now.live.number if now.live else None,
        drift=Drift(**drift_status.latest().as_dict()),
    )


@router.get(
    "/ingest/runs",
    auth=staff("indexing.view"),
    response={200: Runs, **REFUSALS},
    summary="List runs, newest first",
    description="Needs the permission `indexing.view`.",
)
def list_runs(
    request: HttpRequest,
    limit: int = Query(50, ge=1, le=200),
    before: int | None = Query(None, ge=1, le=LARGEST_ID, description="Return only runs with a lower number."),
) -> Runs:
    runs.reap()
    found = RebuildRun.objects.order_by("-pk")
    if before is not None:
        found = found.filter(pk__lt=before)
    page = list(found[: limit + 1])
    return Runs(
        runs=[Run.from_run(run) for run in page[:limit]], next=page[limit - 1].pk if len(page) > limit else None
    )


@router.get(
    "/ingest/runs/{number}",
    auth=staff("indexing.view"),
    response={200: RunInFull, 404: Refusal, **REFUSALS},
    summary="Get one run",
    description="Needs the permission `indexing.view`. Includes the gate's report, which the list omits.",
)
def show_run(request: HttpRequest, number: int = Path(ge=1, le=LARGEST_ID)) -> RunInFull:
    runs.reap()
    return RunInFull.from_run(_run(number))


@router.get(
    "/ingest/runs/{number}/log",
    auth=staff("indexing.view"),
    response={200: LogLines, 404: Refusal, **REFUSALS},
    summary="Read a run's log",
    description="Needs the permission `indexing.view`. Repeat with `after` set to `next` until `end` is true.",
)
def show_log(
    request: HttpRequest,
    number: int = Path(ge=1, le=LARGEST_ID),
    after: int = Query(0, ge=0, le=2**31 - 1),
    limit: int = Query(runlog.CHUNK, ge=1, le=runlog.CHUNK),
) -> LogLines:
    run = _run(number)
    # Checked before the lines are read, so that a line written in between is not missed.
    ended = run.finished_at is not None and timezone.now() - run.finished_at > SETTLED
    lines = runlog.lines_after(run.pk, after, limit)
    return LogLines(
        lines=[LogLine.from_line(line) for line in lines],
        next=lines[-1].seq if lines else after,
        end=ended and len(lines) < limit,
    )


@router.post(
    "/ingest/runs/{number}/cancel",
    auth=staff("indexing.cancel", "indexing.rebuild"),
    response={202: Cancelling, 404: Refusal, 409: Refusal, **REFUSALS},
    summary="Cancel a run",
    description="Needs the permission `indexing.cancel` or `indexing.rebuild`. "
    "A queued run is cancelled at once, a running one as soon as its worker has finished its current step.",
)
def cancel(
    request: HttpRequest,
    number: int = Path(ge=1, le=LARGEST_ID),
    reason: str = Query("", max_length=MAX_REASON, pattern=NO_NUL, description="Reason, saved with the run."),
) -> Status:
    """Raises HttpError 404 for an unknown run, and NotActive (409) for one that has ended."""
    run = runs.cancel(_run(number).pk, actor(request), reason)
    return Status(202, Cancelling(status="cancelling" if run.is_active else "cancelled", run=run.pk))


def _run(number: int) -> RebuildRun:
    run = RebuildRun.objects.filter(pk=number).first()
    if run is None:
        raise HttpError(404, _("There is no run %(number)s.") % {"number": number})
    return run
