"""What people decide about versions: publish or discard a held one, roll back. One transaction per decision."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from indexing import audit, runlog
from indexing.audit import Actor
from indexing.errors import Busy, Refused
from indexing.lib import doorbell
from indexing.lib.messages import Message, message
from indexing.models import IndexState, IndexVersion, Publication, RebuildRun
from indexing.versions.going_live import end_pause, make_live, move_version, record_rebuild
from indexing.versions.opening import in_state, require_openable

State, How = IndexVersion.State, Publication.How


def approve(number: int, actor: Actor, reason: str) -> None:
    """Publish a held version.

    Raises Refused (not held, no reason, requested by the same person, older than the live one), VersionDamaged,
    NotEnoughMemory.
    """
    reason = audit.required_reason(reason)
    require_openable(number)
    with transaction.atomic():
        state = IndexState.locked()
        version = in_state(number, State.HELD)
        run = version.run
        if settings.TCS_APPROVE == "always" and run.requested_name == actor.name:
            raise Refused(message("%(who)s requested this run, so somebody else must publish it.", who=actor.name))
        if state.live_version_id and state.live_version_id > number:
            raise Refused(
                message(
                    "Version %(live)s is newer and already live. Discard this one, or roll back.",
                    live=state.live_version_id,
                )
            )
        make_live(state, version, How.APPROVED, name=actor.name, reason=reason)
        record_rebuild(state, version.expert_count)
        end_pause(state, run)
        _end_held(
            run, RebuildRun.State.DONE, message("Published by %(who)s: %(reason)s", who=actor.name, reason=reason)
        )
        audit.record(
            actor, gettext_noop("Published held version %(number)s: %(reason)s"), number=number, reason=reason
        )
    doorbell.ring()


def discard(number: int, actor: Actor, reason: str) -> None:
    """Discard a held version; its files are deleted after the next run. Raises Refused (not held, no reason)."""
    reason = audit.required_reason(reason)
    with transaction.atomic():
        IndexState.locked()
        version = in_state(number, State.HELD)
        move_version(version, State.HELD, State.DELETED)
        sentence = message("Discarded by %(who)s: %(reason)s", who=actor.name, reason=reason)
        _end_held(version.run, RebuildRun.State.DISCARDED, sentence)
        audit.record(
            actor, gettext_noop("Discarded held version %(number)s: %(reason)s"), number=number, reason=reason
        )
    doorbell.ring()


def roll_back(number: int, actor: Actor, reason: str) -> None:
    """Make a kept version live again, without a rebuild, and pause scheduled rebuilds.

    Raises Busy (an active run would undo this), Refused (not kept, no reason), VersionDamaged, NotEnoughMemory.
    """
    reason = audit.required_reason(reason)
    require_openable(number)
    with transaction.atomic():
        state = IndexState.locked()
        version = in_state(number, State.KEPT)
        if active := RebuildRun.objects.active().first():
            raise Busy(active)
        earlier = state.live_version_id
        make_live(state, version, How.ROLLBACK, name=actor.name, reason=reason)
        state.set_pause(
            {
                "schedule_paused_at": timezone.now().isoformat(),
                "schedule_paused_name": actor.name,
                "schedule_paused_reason": reason,
                "rolled_back_from": earlier,
                "rolled_back_to": number,
            }
        )
        _log_replaced(earlier, number, actor, reason)
        audit.record(
            actor, gettext_noop("Rolled back to version %(number)s: %(reason)s"), number=number, reason=reason
        )
    doorbell.ring()


def resume_schedule(actor: Actor) -> bool:
    """Resume scheduled rebuilds after a rollback; False if they were not paused."""
    with transaction.atomic():
        state = IndexState.locked()
        if state.schedule_paused_at is None:
            return False
        state.set_pause(None)
        audit.record(actor, gettext_noop("Resumed scheduled rebuilds."))
    doorbell.ring()
    return True


def undo(publication: int, actor: Actor) -> int:
    """Undo a publication by a person or a rollback: the version before it is live again. Returns its number.

    `publication` is the primary key of the `Publication`; it must still be the last one. The schedule is paused, or
    not, as it was before. Raises Refused, Busy (an active run would undo this), VersionDamaged, NotEnoughMemory.
    """
    _undone, earlier = undoable(publication)
    require_openable(earlier.number)
    with transaction.atomic():
        state = IndexState.locked()
        undone, earlier = undoable(publication)
        if active := RebuildRun.objects.active().first():
            raise Busy(active)
        resumed = undone.how == How.ROLLBACK and state.schedule_paused_at is None
        make_live(state, earlier, How.UNDO, name=actor.name, reason="")
        state.set_pause(None if resumed else undone.pause_before)
        _log_replaced(undone.version_id, earlier.number, actor)
        audit.record(
            actor,
            gettext_noop("Undid the publication of version %(number)s: version %(earlier)s is live again."),
            number=undone.version_id,
            earlier=earlier.number,
        )
    doorbell.ring()
    return earlier.number


def undoable(publication: int) -> tuple[Publication, IndexVersion]:
    """A publication that can be undone, and the version that is live then. Raises Refused."""
    current = Publication.objects.current()
    if current is None or current.pk != publication:
        raise Refused(
            message("Nothing was undone: another version went live in the meantime. See the list of versions.")
        )
    before = Publication.objects.before(current)
    if current.how not in (How.APPROVED, How.ROLLBACK) or before is None:
        raise Refused(message("Version %(number)s cannot be undone. Roll back instead.", number=current.version_id))
    return current, in_state(before.version_id, State.KEPT)


def _log_replaced(before: int | None, number: int, actor: Actor, reason: str = "") -> None:
    """Note in the log of the newer version's run that it was rolled back, or is live again."""
    back = before is not None and number < before
    run = RebuildRun.objects.filter(version=before if back else number).first()
    if run is None:
        return
    if back:
        sentence = message(
            "Rolled back by %(who)s: version %(number)s is live instead%(why)s.",
            who=actor.name,
            number=number,
            why=f" ({reason.rstrip('.')})" if reason else "",
        )
    else:
        sentence = message("Version %(number)s is live again, by %(who)s.", number=number, who=actor.name)
    runlog.append(run.pk, sentence, level="warning" if back else "info", stage=run.stage)


def _end_held(run: RebuildRun, to: RebuildRun.State, sentence: Message) -> None:
    error = "" if to == RebuildRun.State.DONE else sentence
    run.move(to=to, expect=(RebuildRun.State.HELD,), **run.error_columns(error))
    runlog.append(run.pk, sentence, stage=run.stage)
