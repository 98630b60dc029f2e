"""What people decide about versions: publish or discard a held one, roll back. One transaction per decision."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from experts.stored_language import stored_language
from indexing import audit, reasons, runlog
from indexing.audit import Actor
from indexing.errors import Busy, Refused
from indexing.lib import doorbell
from indexing.lib.messages import message
from indexing.models import IndexState, IndexVersion, Publication, RebuildRun
from indexing.versions.going_live import make_live, move_version, record_rebuild
from indexing.versions.opening import in_state, require_openable

State, How = IndexVersion.State, Publication.How


def approve(number: int, actor: Actor, reason: str) -> None:
    """Make a held version live. Raises Refused (not held, no reason, the asker's own, outdated), SnapshotInvalid."""
    reason = reasons.required(reason)
    require_openable(number)
    with transaction.atomic():
        state = IndexState.locked()
        version = in_state(number, State.HELD)
        run = version.run
        if settings.TCS_APPROVE == "always" and run.requested_name == actor.name:
            raise Refused(message("Another person than %(who)s, who asked for it, must publish it.", who=actor.name))
        if state.live_version_id and state.live_version_id > number:
            raise Refused(
                message(
                    "Version %(live)s is newer and live: discard this one, or roll back.", live=state.live_version_id
                )
            )
        make_live(state, version, How.APPROVED, name=actor.name, reason=reason)
        record_rebuild(state, version.expert_count)
        _end_held(run, RebuildRun.State.DONE, actor, gettext_noop("Published by %(who)s: %(reason)s"), reason)
        audit.record(
            actor, gettext_noop("Published held version %(number)s: %(reason)s"), number=number, reason=reason
        )
    doorbell.ring()


def discard(number: int, actor: Actor, reason: str) -> None:
    """Give up a held version; its files are swept. Raises Refused."""
    reason = reasons.required(reason)
    with transaction.atomic():
        IndexState.locked()
        version = in_state(number, State.HELD)
        move_version(version, State.HELD, State.REMOVED)
        sentence = gettext_noop("Discarded by %(who)s: %(reason)s")
        _end_held(version.run, RebuildRun.State.CANCELLED, actor, sentence, reason)
        audit.record(
            actor, gettext_noop("Discarded held version %(number)s: %(reason)s"), number=number, reason=reason
        )
    doorbell.ring()


def roll_back(number: int, actor: Actor, reason: str) -> None:
    """Make a kept version live again, without encoding anything, and put scheduled runs on hold.

    Raises Busy (its run would undo this), Refused (not kept, no reason), SnapshotInvalid (its files are damaged).
    """
    reason = reasons.required(reason)
    require_openable(number)
    with transaction.atomic():
        state = IndexState.locked()
        version = in_state(number, State.RETIRED)
        if active := RebuildRun.objects.active().first():
            raise Busy(active)
        make_live(state, version, How.ROLLBACK, name=actor.name, reason=reason)
        state.schedule_paused_at = timezone.now()
        state.schedule_paused_name, state.schedule_paused_reason = actor.name, reason
        state.save(update_fields=["schedule_paused_at", "schedule_paused_name", "schedule_paused_reason"])
        audit.record(
            actor, gettext_noop("Rolled back to version %(number)s: %(reason)s"), number=number, reason=reason
        )
    doorbell.ring()


def release_schedule(actor: Actor) -> bool:
    """Let scheduled runs go on after a rollback; False when they were not on hold."""
    with transaction.atomic():
        state = IndexState.locked()
        if state.schedule_paused_at is None:
            return False
        state.schedule_paused_at, state.schedule_paused_name, state.schedule_paused_reason = None, "", ""
        state.save(update_fields=["schedule_paused_at", "schedule_paused_name", "schedule_paused_reason"])
        audit.record(actor, gettext_noop("Released scheduled runs."))
    doorbell.ring()
    return True


def _end_held(run: RebuildRun, to: RebuildRun.State, actor: Actor, sentence: str, reason: str) -> None:
    with stored_language():
        words = _(sentence) % {"who": actor.name, "reason": reason}
    error = "" if to == RebuildRun.State.DONE else words
    run.move(to=to, expect=(RebuildRun.State.HELD,), error=error)
    runlog.append(run.pk, words, stage=run.stage)
