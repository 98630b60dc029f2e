"""Who decides while somebody else is deciding waits for them, and then judges what they left.

Everybody locks the state row first. Without that, the second would judge what it had read before.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction

from indexing import runs
from indexing.errors import Busy, Cancelled, FenceLost, NotActive, Refused
from indexing.lib import processes
from indexing.models import IndexState, IndexVersion, Publication, RebuildRun
from indexing.versions import decisions, pinning, sweep
from tests.support import cast, run_cast, version_cast
from tests.support.meanwhile import Meanwhile
from tests.support.version_cast import CAROL

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]
State = RebuildRun.State
DAVE = cast.command_actor("dave")


def while_somebody_decides(second: Callable[[], object], first: Callable[[], object]) -> object:
    """`first` decides while `second` waits for the same lock; what `second` returned or raised after that."""
    other = Meanwhile(second)
    with transaction.atomic():
        IndexState.locked()
        other.start()
        other.until_it_waits()
        first()
    return other.ends()


def outcome() -> runs.BuildOutcome:
    return runs.BuildOutcome(experts=3, encoded=3, reused=0, peak_mb=1, stages=[], manifest_sha256="aa")


def kept_versions(count: int) -> None:
    for number in range(1, count + 1):
        IndexVersion.objects.create(number=number, state=IndexVersion.State.KEPT)


def state_of(run: RebuildRun) -> str:
    return RebuildRun.objects.get(pk=run.pk).state


def test_a_run_that_was_just_published_is_not_cancelled():
    run = run_cast.running()
    answer = while_somebody_decides(lambda: runs.cancel(run.pk, DAVE), lambda: runs.publish(run, outcome()))
    assert isinstance(answer, NotActive)
    assert (state_of(run), run.cancel_requested_at) == (State.DONE, None)


@pytest.mark.parametrize("end", [runs.publish, runs.complete, lambda run, how: runs.hold(run, how, "Why.")])
def test_a_run_that_was_just_cancelled_does_not_end_well(end):
    run = run_cast.running()
    answer = while_somebody_decides(lambda: end(run, outcome()), lambda: runs.cancel(run.pk, DAVE))
    assert isinstance(answer, Cancelled)
    assert "dave" in str(answer)
    assert state_of(run) == State.RUNNING
    assert IndexState.read().live_version is None


@pytest.mark.parametrize("end", [runs.publish, runs.complete, lambda run, how: runs.hold(run, how, "Why.")])
def test_a_run_that_was_just_given_up_does_not_end_well(end):
    run = run_cast.running()
    answer = while_somebody_decides(
        lambda: end(run, outcome()), lambda: runs.mark_crashed(RebuildRun.objects.get(pk=run.pk), "Silent.")
    )
    assert isinstance(answer, FenceLost)
    assert state_of(run) == State.CRASHED


def test_of_two_who_request_a_run_the_second_is_refused():
    answer = while_somebody_decides(lambda: runs.request("full", DAVE), lambda: runs.request("tags", CAROL))
    assert isinstance(answer, Busy)
    assert RebuildRun.objects.get().kind == "tags"


def test_a_run_that_was_just_cancelled_is_not_claimed():
    run = runs.request("full", DAVE)
    assert while_somebody_decides(lambda: runs.claim(processes.me()), lambda: runs.cancel(run.pk, CAROL)) is None
    assert state_of(run) == State.CANCELLED


@pytest.mark.parametrize("end", [runs.fail, runs.mark_crashed])
def test_a_run_that_was_just_published_does_not_end_badly(end):
    run = run_cast.running()
    mine = RebuildRun.objects.get(pk=run.pk)
    assert while_somebody_decides(lambda: end(mine, "Broken."), lambda: runs.publish(run, outcome())) is False
    assert state_of(run) == State.DONE


def test_giving_up_a_run_that_has_ended_does_not_take_the_fence_of_the_next():
    """Two processes find a worker gone at once; before the second has its turn, the next run is being built."""
    lost = run_cast.running()
    seen_by_the_second = RebuildRun.objects.get(pk=lost.pk)
    assert runs.mark_crashed(lost, "Gone.")
    following = run_cast.running()
    assert not runs.mark_crashed(seen_by_the_second, "Gone.")
    runs.publish(following, outcome())
    assert IndexState.read().live_version_id == following.version_id


def test_a_held_version_that_was_just_discarded_is_not_published():
    version_cast.held()
    answer = while_somebody_decides(
        lambda: decisions.approve(2, DAVE, "Fine."), lambda: decisions.discard(2, CAROL, "Bad.")
    )
    assert isinstance(answer, Refused)
    assert version_cast.live() == 1


def test_a_held_version_that_was_just_published_is_not_discarded():
    version_cast.held()
    answer = while_somebody_decides(
        lambda: decisions.discard(2, DAVE, "Bad."), lambda: decisions.approve(2, CAROL, "Fine.")
    )
    assert isinstance(answer, Refused)
    assert version_cast.live() == 2


def test_nobody_rolls_back_under_a_run_that_was_just_requested():
    version_cast.two_versions()
    answer = while_somebody_decides(lambda: decisions.roll_back(1, DAVE, "Bad."), lambda: runs.request("full", CAROL))
    assert isinstance(answer, Busy)
    assert version_cast.live() == 2


def test_a_rollback_is_undone_once():
    version_cast.rolled_back()
    rollback = Publication.objects.current().pk
    answer = while_somebody_decides(lambda: decisions.undo(rollback, DAVE), lambda: decisions.undo(rollback, CAROL))
    assert isinstance(answer, Refused)
    assert Publication.objects.filter(how="undo").count() == 1


def test_the_schedule_is_resumed_once():
    IndexState.objects.update(schedule_paused_at="2026-01-01T00:00:00Z", schedule_paused_name="erin")
    answer = while_somebody_decides(lambda: decisions.resume_schedule(DAVE), lambda: decisions.resume_schedule(CAROL))
    assert answer is False


def test_a_version_that_was_just_deleted_is_not_pinned(settings):
    settings.TCS_KEEP_VERSIONS = 1
    kept_versions(2)
    answer = while_somebody_decides(lambda: pinning.pin(1, DAVE, "For the audit."), sweep.mark_old_deleted)
    assert isinstance(answer, Refused)
    assert IndexVersion.objects.get(pk=1).pinned_at is None


def test_a_version_that_was_just_pinned_is_not_deleted(settings):
    settings.TCS_KEEP_VERSIONS = 1
    kept_versions(2)
    assert while_somebody_decides(sweep.mark_old_deleted, lambda: pinning.pin(1, DAVE, "For the audit.")) is None
    assert IndexVersion.objects.get(pk=1).state == IndexVersion.State.KEPT
    assert IndexVersion.objects.get(pk=2).state == IndexVersion.State.DELETED


def test_a_version_is_unpinned_once():
    kept_versions(1)
    pinning.pin(1, DAVE, "For the audit.")
    answer = while_somebody_decides(
        lambda: pinning.unpin(1, DAVE, "Over."), lambda: pinning.unpin(1, CAROL, "It is over.")
    )
    assert isinstance(answer, Refused)
