"""Who has a run: a worker claims it, keeps it by heartbeats, and loses it when it dies or falls silent.

A claim raises the fence in the state row. A worker whose run was given up and claimed again has an old number, and
whatever it wants to write is refused.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from indexing.lib import doorbell, paths
from indexing.lib.messages import Message, message
from indexing.lib.process_state import ProcessState
from indexing.lib.processes import Owner
from indexing.models import IndexState, IndexVersion, RebuildRun
from indexing.runs.endings import fence_lost, mark_crashed
from indexing.versions import bucket, sweep

logger = logging.getLogger(__name__)
Kind, State = RebuildRun.Kind, RebuildRun.State

LOOK_SECONDS = 0.5
LOOKS_WITHIN_SECONDS = 10.0
"""Web processes and waiting workers call `reap` more often than this, whatever the lease."""


class LeaseWatch:
    """Tells whether a run's heartbeat has stood still for a lease.

    It goes only by what this process saw and by its monotonic clock, so no run is ended because clocks differ or are
    set. A process that has just started has seen nothing: it has to watch for a whole lease first
    (`wait_for_heartbeat` does that for a command).
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._seen: dict[int, tuple[tuple[str, int], float]] = {}
        self._looked = 0.0

    def expired(self, run: RebuildRun) -> bool:
        if run.state == State.QUEUED and not run.owner:
            return False  # it waits for a worker to be started, for as long as that takes
        mark, now = (run.state, run.beats), self.clock()
        lease = settings.TCS_LEASE_SECONDS
        # A process that has not looked for a lease (stopped, or the database was away) missed the heartbeats.
        was_blind = now - self._looked > max(lease, LOOKS_WITHIN_SECONDS)
        self._looked = now
        if was_blind or self._seen.get(run.pk, (None, 0.0))[0] != mark:
            self._seen = {run.pk: (mark, now)}  # only one run is ever active
        return now - self._seen[run.pk][1] > lease


watch = ProcessState(LeaseWatch)
"""What this process has seen of the active run."""


def claim(owner: Owner, run_id: int | None = None) -> RebuildRun | None:
    """Take the queued run (or only run `run_id`) for `owner`: it is running then, under a new fence.

    A full run gets its version number here, so that every folder a worker makes belongs to a row. No
    folder of that number exists yet: after a restore the database may know fewer versions than the disk, or the
    bucket, holds.
    """
    if not RebuildRun.objects.filter(state=State.QUEUED).exists():
        return None
    stored = max(paths.highest_number(), bucket.highest_number())
    with transaction.atomic():
        state = IndexState.locked()
        queued = RebuildRun.objects.filter(state=State.QUEUED)
        run = (queued if run_id is None else queued.filter(pk=run_id)).first()
        if run is None:
            return None
        state.fence += 1
        version = None
        if run.kind == Kind.FULL:
            state.last_version_number = max(state.last_version_number, stored) + 1
            version = IndexVersion.objects.create(number=state.last_version_number)
        state.save(update_fields=["fence", "last_version_number"])
        now = timezone.now()
        run.move(
            to=State.RUNNING,
            expect=(State.QUEUED,),
            owner=owner.as_text(),
            started_at=now,
            heartbeat_at=now,
            version=version,
        )
        RebuildRun.objects.filter(pk=run.pk).update(fence=state.fence)
        run.fence = state.fence
    doorbell.ring()
    return run


def beat(run: RebuildRun, **progress: object) -> bool:
    """The worker's heartbeat, with its progress; True if its cancellation was requested. Raises FenceLost."""
    owned = RebuildRun.objects.owned_by(run)
    if not owned.update(heartbeat_at=timezone.now(), beats=F("beats") + 1, **progress):
        raise fence_lost(run)
    return owned.filter(cancel_requested_at__isnull=False).exists()


def reap() -> None:
    """End the active run as crashed if its process has ended or been silent for a lease, and delete what it left."""
    for run in RebuildRun.objects.active():
        if _why_lost(run) is None:
            continue
        run.refresh_from_db()  # its process may have come to another stage before it ended
        sentence = _why_lost(run)
        if sentence and mark_crashed(run, sentence):
            sweep.delete_leftovers()


def _why_lost(run: RebuildRun) -> Message | None:
    """A sentence that says why the run counts as crashed; None while it may still be alive."""
    owner = Owner.from_text(run.owner)
    stage = run.stage_label or message("start")
    if owner is not None and owner.is_gone:
        return message(
            "Crashed: the build process stopped unexpectedly in stage “%(stage)s”, possibly out of memory.",
            stage=stage,
        )
    if watch.get().expired(run):
        return message(
            "Crashed: no sign of life from the build process for %(seconds)d s, in stage “%(stage)s”.",
            seconds=settings.TCS_LEASE_SECONDS,
            stage=stage,
        )
    return None


def wait_for_heartbeat(
    interrupted: Callable[[], bool] = bool, *, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Wait until an apparently stale run sends a heartbeat, ends, or has been silent for a full lease and is crashed.

    For a command that is about to request a run and has not watched the active one. A last heartbeat more than a
    lease ago, or ahead, is a reason to look and no proof: the clocks may differ, or have been set. `interrupted`
    ends the wait early.
    """
    run = RebuildRun.objects.active().first()
    if run is None or not (run.owner and _looks_stale(run)):
        return
    logger.warning(
        _("Run %(number)s seems to have stopped: waiting up to %(seconds)d s for a heartbeat."),
        {"number": run.pk, "seconds": settings.TCS_LEASE_SECONDS},
    )
    mark = (run.state, run.beats)
    while run.is_active and (run.state, run.beats) == mark and not interrupted():
        reap()
        sleep(LOOK_SECONDS)
        run.refresh_from_db()


def _looks_stale(run: RebuildRun) -> bool:
    away = timezone.now() - (run.heartbeat_at or run.created_at)
    return abs(away.total_seconds()) > settings.TCS_LEASE_SECONDS
