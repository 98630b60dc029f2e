"""The rules of a run: ask for it, claim it, cancel it, end it badly. How it ends well is in `publishing`.

One transaction a decision. Every decision locks the state row first and moves the run by a conditional update that
must hit one row, so two deciders at once are put in order and the second finds the state already moved.
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
from django.utils.translation import gettext_noop

from experts.stored_language import kept_language
from indexing import audit, notifications, reasons, runlog
from indexing.audit import Actor
from indexing.errors import Busy, FenceLost, NotActive, ScheduleOnHold
from indexing.lib import doorbell, paths
from indexing.lib.processes import Owner
from indexing.models import IndexState, IndexVersion, RebuildRun
from indexing.versions import sweep

logger = logging.getLogger(__name__)
Kind, State = RebuildRun.Kind, RebuildRun.State


def request(
    kind: str,
    actor: Actor,
    *,
    reembed: bool = False,
    owner: Owner | None = None,
    scheduled: bool = False,
    reason: str = "",
) -> RebuildRun:
    """A new queued run. Raises Busy, naming the active one, whatever its kind; ScheduleOnHold after a rollback;
    Refused for a reason that is too long.

    `owner` is the process that will see to it that a worker takes it: should that process die first, the run is
    known to be lost. None where any `index_worker` may take it.
    """
    reason = reasons.optional(reason)
    reap()
    with transaction.atomic():
        state = IndexState.locked()
        if scheduled and state.schedule_held_at:
            raise ScheduleOnHold(state)
        if active := RebuildRun.objects.active().first():
            raise Busy(active)
        run = RebuildRun.objects.create(
            kind=Kind(kind),
            reembed=reembed,
            via=actor.via,
            scheduled=scheduled,
            reason=reason,
            requested_by=actor.user,
            requested_name=actor.name,
            owner=owner.as_text() if owner else "",
        )
        audit.record(actor, _asked_for(reembed), number=run.pk, kind=run.kind, why=_why(reason))
    with kept_language():
        told = _("Run %(number)s (%(kind)s) asked for by %(who)s%(why)s.") % {
            "number": run.pk,
            "kind": run.get_kind_display(),
            "who": actor,
            "why": _why(reason),
        }
    runlog.append(run.pk, told)
    return run


def handed_to(run: RebuildRun, owner: Owner) -> None:
    """A worker process was started for the queued run."""
    RebuildRun.objects.filter(pk=run.pk, state=State.QUEUED).update(owner=owner.as_text())


def waiting() -> bool:
    """Is a run queued, for somebody to claim?"""
    return RebuildRun.objects.filter(state=State.QUEUED).exists()


def claim(owner: Owner, run_id: int | None = None) -> RebuildRun | None:
    """Take the queued run (or only run `run_id`) for `owner`: it is running then, under a new fence.

    A full run gets its version number here, so that every folder a worker makes belongs to a row. It is none of
    which a folder is there: after a restore the database may know fewer versions than the disk holds.
    """
    on_disk = paths.highest_number()
    with transaction.atomic():
        state = IndexState.locked()
        queued = RebuildRun.objects.filter(state=State.QUEUED)
        run = (queued if run_id is None else queued.filter(pk=run_id)).first()
        if run is None:
            return None
        state.fence += 1
        version = None
        if run.kind == Kind.FULL:
            state.last_version_number = max(state.last_version_number, on_disk) + 1
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
    """The worker's heartbeat, with its progress; True when somebody asked to cancel. Raises FenceLost."""
    held = RebuildRun.objects.held_by(run)
    if not held.update(heartbeat_at=timezone.now(), beats=F("beats") + 1, **progress):
        raise FenceLost(_("Run %(number)s is no longer this worker's.") % {"number": run.pk})
    return held.filter(cancel_requested_at__isnull=False).exists()


def cancel(run_id: int, actor: Actor, reason: str = "") -> RebuildRun:
    """Cancel a queued run, or ask the worker of a running one to stop.

    Raises NotActive, RebuildRun.DoesNotExist, Refused for a reason that is too long.
    """
    reason = reasons.optional(reason)
    reap()
    with transaction.atomic():
        IndexState.locked()
        run = RebuildRun.objects.get(pk=run_id)
        if not run.is_active:
            raise NotActive(
                _("Run %(number)s has ended already: %(state)s.")
                % {"number": run.pk, "state": run.get_state_display()}
            )
        if run.cancel_requested_at:
            return run
        now = timezone.now()
        asked = {"cancel_requested_at": now, "cancel_requested_name": actor.name, "cancel_reason": reason}
        if run.state == State.QUEUED:
            run.move(
                to=State.CANCELLED,
                expect=(State.QUEUED,),
                finished_at=now,
                error=cancelled_sentence(actor.name),
                **asked,
            )
            notifications.run_ended(run)
        else:
            RebuildRun.objects.filter(pk=run.pk).update(**asked)
            run.cancel_requested_at, run.cancel_requested_name, run.cancel_reason = now, actor.name, reason
        audit.record(actor, gettext_noop("Cancelled run %(number)s%(why)s."), number=run.pk, why=_why(reason))
    with kept_language():
        told = _("%(who)s asked to cancel%(why)s.") % {"who": actor, "why": _why(reason)}
    runlog.append(run.pk, told, level="warning", stage=run.stage)
    return run


def fail(run: RebuildRun, sentence: str, *, peak_mb: int | None = None) -> bool:
    """End a run with an error; False when it had ended already (or was lost to another worker)."""
    return _end(run, State.ERROR, error=sentence, peak_mb=peak_mb)


def stopped(run: RebuildRun, by_signal: str = "") -> bool:
    """End a run that was cancelled, by a person or by a signal to its worker."""
    run.refresh_from_db(fields=["cancel_requested_name"])
    return _end(run, State.CANCELLED, error=cancelled_sentence(run.cancel_requested_name or by_signal))


def lose(run: RebuildRun, sentence: str) -> bool:
    """Declare a run lost. The fence rises, so its worker, should it come back, may publish nothing."""
    with transaction.atomic():
        state = IndexState.locked()
        state.fence += 1
        state.save(update_fields=["fence"])
        return _end(run, State.LOST, error=sentence)


def reap() -> None:
    """Declare the active run lost if its process is gone, or has not been heard of for too long; sweep after it."""
    for run in RebuildRun.objects.active():
        with kept_language():
            sentence = _why_lost(run)
        if sentence and lose(run, sentence):
            sweep.remove_leftovers()


def _why_lost(run: RebuildRun) -> str:
    """Empty while the run may still be alive."""
    owner = Owner.from_text(run.owner)
    stage = run.get_stage_display() or _("start")
    if owner is not None and owner.is_gone:
        return _("The worker ended without a word in stage “%(stage)s”; the live version is untouched.") % {
            "stage": stage
        }
    if _watch.expired(run):
        return _(
            "Nothing was heard of the worker for %(seconds)d s, in stage “%(stage)s”; the live version is untouched."
        ) % {"seconds": settings.TCS_LEASE_SECONDS, "stage": stage}
    return ""


def await_sign(interrupted: Callable[[], bool] = bool) -> None:
    """Look on until a run that seems forsaken gives a sign of life, ends, or has been silent for a lease and is lost.

    For a command that is about to ask for a run, and has watched nobody. That the last heartbeat lies more than a
    lease away, on either side, is the reason to look and proves nothing: the clocks may differ, or have been set.
    """
    run = RebuildRun.objects.active().first()
    if run is None or not (run.owner and _seems_forsaken(run)):
        return
    logger.warning(
        _("Nothing seems to be heard of run %(number)s: waiting up to %(seconds)d s for a sign of its worker."),
        {"number": run.pk, "seconds": settings.TCS_LEASE_SECONDS},
    )
    mark = (run.state, run.beats)
    while run.is_active and (run.state, run.beats) == mark and not interrupted():
        reap()
        time.sleep(LOOK_SECONDS)
        run.refresh_from_db()


def _seems_forsaken(run: RebuildRun) -> bool:
    away = timezone.now() - (run.heartbeat_at or run.created_at)
    return abs(away.total_seconds()) > settings.TCS_LEASE_SECONDS


LOOK_SECONDS = 0.5
LOOKS_WITHIN_SECONDS = 10.0
"""Web processes and waiting workers call `reap` more often than this, whatever the lease."""


class LeaseWatch:
    """Has a run's heartbeat stood still for a lease?

    Seen by this process's monotonic clock alone, so clocks that differ or are set lose no run. A process that has
    only just started has seen nothing yet: it has to look on for a lease itself (a command does so in `await_sign`).
    """

    def __init__(self) -> None:
        self._seen: dict[int, tuple[tuple[str, int], float]] = {}
        self._looked = 0.0

    def expired(self, run: RebuildRun) -> bool:
        if run.state == State.QUEUED and not run.owner:
            return False  # it waits for a worker to be started, for as long as that takes
        mark, now = (run.state, run.beats), time.monotonic()
        lease = settings.TCS_LEASE_SECONDS
        # Who has not looked for a lease (stopped, or the database was away) has not seen the beats stand still.
        was_blind = now - self._looked > max(lease, LOOKS_WITHIN_SECONDS)
        self._looked = now
        if was_blind or self._seen.get(run.pk, (None, 0.0))[0] != mark:
            self._seen = {run.pk: (mark, now)}  # only one run is ever active
        return now - self._seen[run.pk][1] > lease


_watch = LeaseWatch()


def _end(run: RebuildRun, to: RebuildRun.State, *, error: str, peak_mb: int | None = None) -> bool:
    """Move an active run to a bad end and take back the number of a version that was never finished."""
    with transaction.atomic():
        IndexState.locked()
        run.refresh_from_db(fields=["stage"])
        expect = (State.QUEUED, State.RUNNING)
        if not run.move(to=to, expect=expect, finished_at=timezone.now(), error=error, peak_mb=peak_mb):
            return False
        IndexVersion.objects.filter(run=run, state=IndexVersion.State.BUILDING).delete()
        # In the same transaction: who sees the run ended sees its last line.
        level = "warning" if to == State.CANCELLED else "error"
        runlog.append(run.pk, error, level=level, stage=run.stage)
        notifications.run_ended(run)
    doorbell.ring()
    return True


def cancelled_sentence(name: str) -> str:
    with kept_language():
        return _("Cancelled by %(who)s; the live version is untouched.") % {"who": name or _("somebody")}


def _asked_for(reembed: bool) -> str:
    if reembed:
        return gettext_noop("Asked for run %(number)s (%(kind)s, everything again)%(why)s.")
    return gettext_noop("Asked for run %(number)s (%(kind)s)%(why)s.")


def _why(reason: str) -> str:
    return f": {reason.rstrip('.')}" if reason else ""
