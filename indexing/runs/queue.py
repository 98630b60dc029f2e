"""Requesting a run and cancelling it.

One transaction per decision. Both lock the state row first and move the run by a conditional update that must change
one row, so two deciders at once are put in order and the second finds the state already changed.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from indexing import audit, notifications, runlog
from indexing.audit import Actor
from indexing.errors import Busy, NotActive, SchedulePaused
from indexing.lib.messages import Message, message
from indexing.lib.processes import Owner
from indexing.models import IndexState, RebuildRun
from indexing.runs.endings import cancelled_sentence, with_note_on_search
from indexing.runs.lease import reap

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
    """Queue a new run. Raises Busy with the active one, of whatever kind; SchedulePaused; Refused (reason too long).

    `owner` is the process that will start a worker for it; if it dies first, the run is crashed. None if any
    `index_worker` may claim it.
    """
    reason = audit.optional_reason(reason)
    reap()
    with transaction.atomic():
        state = IndexState.locked()
        if scheduled and state.schedule_paused_at:
            raise SchedulePaused(state)
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
        audit.record(actor, _request_message(reembed), number=run.pk, kind=run.kind, why=_why(reason))
    runlog.append(run.pk, _first_line(run, actor))
    return run


def assign_worker(run: RebuildRun, owner: Owner) -> None:
    """Note which worker process was started for the queued run."""
    RebuildRun.objects.filter(pk=run.pk, state=State.QUEUED).update(owner=owner.as_text())


def waiting() -> bool:
    """Whether a run is queued, waiting to be claimed."""
    return RebuildRun.objects.filter(state=State.QUEUED).exists()


def cancel(run_id: int, actor: Actor, reason: str = "") -> RebuildRun:
    """Cancel a queued run, or ask the worker of a running one to stop.

    Raises NotActive, RebuildRun.DoesNotExist, Refused for a reason that is too long.
    """
    reason = audit.optional_reason(reason)
    reap()
    with transaction.atomic():
        state = IndexState.locked()
        run = RebuildRun.objects.get(pk=run_id)
        if not run.is_active:
            raise NotActive(
                message("Run %(number)s has ended already: %(state)s.", number=run.pk, state=run.state_label)
            )
        if run.cancel_requested_at:
            return run
        now = timezone.now()
        request = {"cancel_requested_at": now, "cancel_requested_name": actor.name, "cancel_reason": reason}
        if run.state == State.QUEUED:
            run.move(
                to=State.CANCELLED,
                expect=(State.QUEUED,),
                finished_at=now,
                **run.error_columns(with_note_on_search(cancelled_sentence(actor.name), state)),
                **request,
            )
            notifications.run_ended(run)
        else:
            RebuildRun.objects.filter(pk=run.pk).update(**request)
            run.cancel_requested_at, run.cancel_requested_name, run.cancel_reason = now, actor.name, reason
        audit.record(actor, gettext_noop("Cancelled run %(number)s%(why)s."), number=run.pk, why=_why(reason))
    line = message("Cancellation requested by %(who)s%(why)s.", who=actor.as_message(), why=_why(reason))
    runlog.append(run.pk, line, level="warning", stage=run.stage)
    return run


def _first_line(run: RebuildRun, actor: Actor) -> Message:
    """The first line of the run's log."""
    return message(
        "Run %(number)s (%(kind)s) requested by %(who)s%(why)s.",
        number=run.pk,
        kind=run.kind_label,
        who=actor.as_message(),
        why=_why(run.reason),
    )


def _request_message(reembed: bool) -> str:
    if reembed:
        return gettext_noop("Requested run %(number)s (%(kind)s, every profile again)%(why)s.")
    return gettext_noop("Requested run %(number)s (%(kind)s)%(why)s.")


def _why(reason: str) -> str:
    return f": {reason.rstrip('.')}" if reason else ""
