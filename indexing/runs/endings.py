"""How a run ends: published, held or completed by its worker, or failed, cancelled or crashed.

One transaction per ending. Every one locks the state row and moves the run by a conditional update that must change
one row, so of two that end a run at once the second finds it ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from indexing import notifications, runlog
from indexing.errors import Cancelled, FenceLost
from indexing.lib import doorbell
from indexing.lib.messages import Message, count_of_experts, message, sentences
from indexing.models import IndexState, IndexVersion, Publication, RebuildRun
from indexing.models.run_records import GateRecord, StageRecord, TestFigures
from indexing.versions.going_live import end_pause, make_live, move_version, record_rebuild

State = RebuildRun.State


@dataclass(frozen=True, slots=True)
class BuildOutcome:
    """The results of a build for the database. The fields after `gate` describe the version of a full rebuild."""

    experts: int
    encoded: int
    reused: int
    peak_mb: int
    stages: Sequence[StageRecord]
    gate: GateRecord | None = None
    dimension: int = 0
    model_name: str = ""
    model_fingerprint: str = ""
    bytes: int = 0
    manifest_sha256: str = ""
    tests: TestFigures | None = None
    """what the search tests made of it; None without any"""


def publish(run: RebuildRun, outcome: BuildOutcome) -> None:
    """Make the run's version live and the run done. Raises FenceLost, Cancelled."""
    with transaction.atomic():
        state = _lock_for(run)
        version = _describe(run, outcome)
        make_live(state, version, Publication.How.RUN, name=run.who, reason=run.reason, map_owner=run.owner)
        record_rebuild(state, outcome.experts)
        if not run.scheduled:
            end_pause(state, run)
        last_words = message(
            "Done: version %(number)s is live with %(experts)s.",
            number=run.version_id,
            experts=count_of_experts(outcome.experts),
        )
        end_well(run, outcome, State.DONE, last_words)
    doorbell.ring()


def hold(run: RebuildRun, outcome: BuildOutcome, why: Message | str) -> None:
    """End the run with its version built but not live: a person publishes or discards it.

    Raises FenceLost, Cancelled.
    """
    with transaction.atomic():
        _lock_for(run)
        version = _describe(run, outcome)
        move_version(version, IndexVersion.State.BUILDING, IndexVersion.State.HELD)
        why = why if isinstance(why, Message) else Message(why)
        built = message("Held: version %(number)s was built but not published.", number=run.version_id)
        end_well(run, outcome, State.HELD, sentences(built, why), why)
        notifications.run_ended(run)
    doorbell.ring()


def complete(run: RebuildRun, outcome: BuildOutcome) -> None:
    """Mark a tags-only run as done: it touches neither the live version nor the time of the last rebuild."""
    with transaction.atomic():
        _lock_for(run)
        last_words = message(
            "Done: the tags of %(experts)s are up to date.", experts=count_of_experts(outcome.experts)
        )
        end_well(run, outcome, State.DONE, last_words)
    doorbell.ring()


def fail(run: RebuildRun, sentence: Message | str, *, peak_mb: int | None = None) -> bool:
    """End a run with an error; False when it had ended already (or was lost to another worker)."""
    return _end_badly(run, State.FAILED, error=sentence, peak_mb=peak_mb)


def end_cancelled(run: RebuildRun, by_signal: str = "") -> bool:
    """End a run that was cancelled, by a person or by a signal to its worker."""
    run.refresh_from_db(fields=["cancel_requested_name"])
    return _end_badly(run, State.CANCELLED, error=cancelled_sentence(run.cancel_requested_name or by_signal))


def mark_crashed(run: RebuildRun, sentence: Message | str) -> bool:
    """End a run as crashed; False when it had ended already.

    The fence rises, so its worker, should it come back, may publish nothing. It does not rise for a run that another
    process has ended: by then it may be the fence of the next one.
    """
    with transaction.atomic():
        if not _end_badly(run, State.CRASHED, error=sentence):  # it locks the state row
            return False
        IndexState.objects.update(fence=F("fence") + 1)
    return True


def cancelled_sentence(name: str) -> Message:
    return message("Cancelled by %(who)s.", who=name or message("somebody"))


def with_note_on_search(sentence: Message | str, state: IndexState) -> Message:
    """Why a run ended badly, and, where there is a version to search, that search is not affected."""
    sentence = sentence if isinstance(sentence, Message) else Message(sentence)
    return sentences(sentence, message("Search is not affected.")) if state.live_version_id else sentence


def fence_lost(run: RebuildRun) -> FenceLost:
    return FenceLost(message("Run %(number)s no longer belongs to this worker.", number=run.pk))


def _describe(run: RebuildRun, outcome: BuildOutcome) -> IndexVersion:
    version = IndexVersion.objects.get(run=run)
    version.expert_count = outcome.experts
    version.dimension = outcome.dimension
    version.model_name = outcome.model_name
    version.model_fingerprint = outcome.model_fingerprint
    version.bytes = outcome.bytes
    version.manifest_sha256 = outcome.manifest_sha256
    version.test_row = outcome.tests.as_row() if outcome.tests else {}
    version.created_at = timezone.now()
    version.save()
    return version


def _lock_for(run: RebuildRun) -> IndexState:
    """The locked state row, if the run's worker may still publish. Raises FenceLost, Cancelled."""
    state = IndexState.locked()
    held = RebuildRun.objects.owned_by(run).first()
    if held is None or state.fence != run.fence:
        raise fence_lost(run)
    if held.cancel_requested_at:
        raise Cancelled(cancelled_sentence(held.cancel_requested_name))
    return state


def end_well(
    run: RebuildRun, outcome: BuildOutcome, to: State, last_words: Message, why_held: Message | str = ""
) -> None:
    """Record that a running run is done or held (`to`), its build's figures, and `last_words` as the end of its log.

    Raises FenceLost if the run is no longer this worker's. Call it in the transaction that decides about the version.
    """
    moved = run.move(
        to=to,
        expect=(State.RUNNING,),
        finished_at=timezone.now(),
        **run.error_columns(why_held),
        experts=outcome.experts,
        encoded=outcome.encoded,
        reused=outcome.reused,
        peak_mb=outcome.peak_mb,
        stages=[stage.as_row() for stage in outcome.stages],
        gate=outcome.gate.as_row() if outcome.gate else {},
    )
    if not moved:
        raise fence_lost(run)
    # In the same transaction, so whoever sees that the run has ended also sees its last line.
    runlog.append(run.pk, last_words, stage=run.stage)


def _end_badly(run: RebuildRun, to: State, *, error: Message | str, peak_mb: int | None = None) -> bool:
    """Move an active run to a bad end and take back the number of a version that was never finished."""
    with transaction.atomic():
        error = with_note_on_search(error, IndexState.locked())
        run.refresh_from_db(fields=["stage"])
        expect = (State.QUEUED, State.RUNNING)
        if not run.move(
            to=to, expect=expect, finished_at=timezone.now(), peak_mb=peak_mb, **run.error_columns(error)
        ):
            return False
        IndexVersion.objects.filter(run=run, state=IndexVersion.State.BUILDING).delete()
        # In the same transaction, so whoever sees that the run has ended also sees its last line.
        level = "warning" if to == State.CANCELLED else "error"
        runlog.append(run.pk, error, level=level, stage=run.stage)
        notifications.run_ended(run)
    doorbell.ring()
    return True
