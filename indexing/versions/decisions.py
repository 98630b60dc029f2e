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
from indexing.versions.going_live import make_live, move_version, record_rebuild
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
        _end_held(version.run, RebuildRun.State.CANCELLED, sentence)
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
        make_live(state, version, How.ROLLBACK, name=actor.name, reason=reason)
        state.schedule_paused_at = timezone.now()
        state.schedule_paused_name, state.schedule_paused_reason = actor.name, reason
        state.save(update_fields=["schedule_paused_at", "schedule_paused_name", "schedule_paused_reason"])
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
        state.schedule_paused_at, state.schedule_paused_name, state.schedule_paused_reason = None, "", ""
        state.save(update_fields=["schedule_paused_at", "schedule_paused_name", "schedule_paused_reason"])
        audit.record(actor, gettext_noop("Resumed scheduled rebuilds."))
    doorbell.ring()
    return True


def _end_held(run: RebuildRun, to: RebuildRun.State, sentence: Message) -> None:
    error = "" if to == RebuildRun.State.DONE else sentence
    run.move(to=to, expect=(RebuildRun.State.HELD,), **run.error_columns(error))
    runlog.append(run.pk, sentence, stage=run.stage)
