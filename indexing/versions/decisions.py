"""The rules of versions: publish, hold, approve, discard, roll back. One transaction a decision.

Only `_make_live` makes a version live, always inside a transaction that holds the state row.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from experts.stored_language import kept_language
from indexing import audit, notifications, reasons, runlog
from indexing.audit import Actor
from indexing.errors import Busy, Cancelled, FenceLost, Refused
from indexing.lib import doorbell
from indexing.models import IndexState, IndexVersion, Publication, RebuildRun
from indexing.runs import cancelled_sentence
from indexing.versions.opening import in_state, require_openable

logger = logging.getLogger(__name__)
State, How, MapState = IndexVersion.State, Publication.How, IndexVersion.MapState


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a build made, as far as the database keeps it."""

    experts: int
    encoded: int
    reused: int
    peak_mb: int
    stages: list[dict[str, Any]]
    """as `RebuildRun.stages` keeps them"""
    gate: dict[str, Any] = field(default_factory=dict)
    """as `build.gate.Report.as_dict` gives it"""
    dimension: int = 0
    model_name: str = ""
    model_fingerprint: str = ""
    bytes: int = 0
    manifest_sha256: str = ""


def publish(run: RebuildRun, outcome: Outcome) -> None:
    """Make the run's version live and the run done. Raises FenceLost, Cancelled."""
    with transaction.atomic():
        state = _locked_for(run)
        version = _describe(run, outcome)
        _make_live(state, version, How.RUN, name=run.who, reason=run.reason, mapmaker=run.owner)
        _new_directory_moment(state, outcome.experts)
        last_words = _("Done: version %(number)s is live with %(experts)s experts.")
        _end_well(run, outcome, RebuildRun.State.DONE, last_words % _figures(run, outcome))
    doorbell.ring()


def hold(run: RebuildRun, outcome: Outcome, why: str) -> None:
    """Keep the run's version as a candidate for a person to publish or discard. Raises FenceLost, Cancelled."""
    with transaction.atomic():
        _locked_for(run)
        version = _describe(run, outcome)
        _move(version, State.BUILDING, State.HELD)
        run.error = why
        last_words = _("Held: version %(number)s was built, not published.") % _figures(run, outcome)
        _end_well(run, outcome, RebuildRun.State.HELD, f"{last_words} {why}")
        notifications.run_ended(run)
    doorbell.ring()


def complete(run: RebuildRun, outcome: Outcome) -> None:
    """End a tags-only run well: it touches neither the live version nor the time of the last rebuild."""
    with transaction.atomic():
        _locked_for(run)
        last_words = _("Done: the tags of %(experts)s experts are current.") % _figures(run, outcome)
        _end_well(run, outcome, RebuildRun.State.DONE, last_words)
    doorbell.ring()


def approve(number: int, actor: Actor, reason: str) -> None:
    """Make a held version live. Raises Refused (not held, no reason, the asker's own, outdated), SnapshotInvalid."""
    reason = reasons.required(reason)
    require_openable(number)
    with transaction.atomic():
        state = IndexState.locked()
        version = in_state(number, State.HELD)
        run = version.run
        if settings.TCS_APPROVE == "always" and run.requested_name == actor.name:
            raise Refused(_("Another person than %(who)s, who asked for it, must publish it.") % {"who": actor.name})
        if state.live_version_id and state.live_version_id > number:
            raise Refused(
                _("Version %(live)s is newer and live: discard this one, or roll back.")
                % {"live": state.live_version_id}
            )
        _make_live(state, version, How.APPROVED, name=actor.name, reason=reason)
        _new_directory_moment(state, version.expert_count)
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
        _move(version, State.HELD, State.REMOVED)
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
        _make_live(state, version, How.ROLLBACK, name=actor.name, reason=reason)
        state.schedule_held_at = timezone.now()
        state.schedule_held_name, state.schedule_held_reason = actor.name, reason
        state.save(update_fields=["schedule_held_at", "schedule_held_name", "schedule_held_reason"])
        audit.record(
            actor, gettext_noop("Rolled back to version %(number)s: %(reason)s"), number=number, reason=reason
        )
    doorbell.ring()


def release_schedule(actor: Actor) -> bool:
    """Let scheduled runs go on after a rollback; False when they were not on hold."""
    with transaction.atomic():
        state = IndexState.locked()
        if state.schedule_held_at is None:
            return False
        state.schedule_held_at, state.schedule_held_name, state.schedule_held_reason = None, "", ""
        state.save(update_fields=["schedule_held_at", "schedule_held_name", "schedule_held_reason"])
        audit.record(actor, gettext_noop("Released scheduled runs."))
    doorbell.ring()
    return True


def _make_live(
    state: IndexState, version: IndexVersion, how: str, *, name: str, reason: str, mapmaker: str = ""
) -> None:
    now = timezone.now()
    IndexVersion.objects.filter(state=State.LIVE).update(state=State.RETIRED, live_until=now)
    Publication.objects.filter(until=None).update(until=now)
    _move(version, version.state, State.LIVE, live_from=now, live_until=None)
    if version.map_state in (MapState.NONE, MapState.FAILED):  # one that computes goes on
        IndexVersion.objects.filter(pk=version.pk).update(map_state=MapState.COMPUTING, map_owner=mapmaker)
    Publication.objects.create(version=version, how=how, at=now, name=name, reason=reason)
    state.live_version = version
    state.save(update_fields=["live_version"])
    notifications.published(version, how=how, name=name, reason=reason)


def _new_directory_moment(state: IndexState, experts: int) -> None:
    """A full rebuild was published: only then do these two change."""
    state.last_rebuild_at = timezone.now()
    state.expert_count_at_rebuild = experts
    state.save(update_fields=["last_rebuild_at", "expert_count_at_rebuild"])


def _describe(run: RebuildRun, outcome: Outcome) -> IndexVersion:
    version = IndexVersion.objects.get(run=run)
    version.expert_count = outcome.experts
    version.dimension = outcome.dimension
    version.model_name = outcome.model_name
    version.model_fingerprint = outcome.model_fingerprint
    version.bytes = outcome.bytes
    version.manifest_sha256 = outcome.manifest_sha256
    version.created_at = timezone.now()
    version.save()
    return version


def _move(version: IndexVersion, expect: str, to: str, **changes: object) -> None:
    """A version's state moves only from the state it was found in."""
    if not IndexVersion.objects.filter(pk=version.pk, state=expect).update(state=to, **changes):
        raise Refused(_("Version %(number)s was changed by somebody else meanwhile.") % {"number": version.pk})
    version.state = to


def _locked_for(run: RebuildRun) -> IndexState:
    """The locked state row, if the run may still decide anything. Raises FenceLost, Cancelled."""
    state = IndexState.locked()
    held = RebuildRun.objects.held_by(run).first()
    if held is None or state.fence != run.fence:
        raise FenceLost(_("Run %(number)s is no longer this worker's.") % {"number": run.pk})
    if held.cancel_requested_at:
        raise Cancelled(cancelled_sentence(held.cancel_requested_name))
    return state


def _end_well(run: RebuildRun, outcome: Outcome, to: RebuildRun.State, last_words: str) -> None:
    moved = run.move(
        to=to,
        expect=(RebuildRun.State.RUNNING,),
        finished_at=timezone.now(),
        error=run.error,
        experts=outcome.experts,
        encoded=outcome.encoded,
        reused=outcome.reused,
        peak_mb=outcome.peak_mb,
        stages=outcome.stages,
        gate=outcome.gate,
    )
    if not moved:
        raise FenceLost(_("Run %(number)s is no longer this worker's.") % {"number": run.pk})
    # In the same transaction: who sees the run ended sees its last line.
    runlog.append(run.pk, last_words, stage=run.stage)


def _figures(run: RebuildRun, outcome: Outcome) -> dict[str, object]:
    return {"number": run.version_id, "experts": f"{outcome.experts:,}"}


def _end_held(run: RebuildRun, to: RebuildRun.State, actor: Actor, sentence: str, reason: str) -> None:
    with kept_language():
        words = _(sentence) % {"who": actor.name, "reason": reason}
    error = "" if to == RebuildRun.State.DONE else words
    run.move(to=to, expect=(RebuildRun.State.HELD,), error=error)
    runlog.append(run.pk, words, stage=run.stage)
