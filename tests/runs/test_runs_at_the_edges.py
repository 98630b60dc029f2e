"""The rules of runs where they end: the last second of a lease, a request while paused, a second who cancels."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db.models import F
from django.utils import timezone

from indexing import audit, runs
from indexing.audit import Actor
from indexing.errors import FenceLost, NotActive, SchedulePaused
from indexing.lib import ownership, paths, processes
from indexing.lib.messages import Message, message
from indexing.lib.processes import Owner
from indexing.models import IndexState, RebuildRun
from indexing.models.run_records import GateRecord
from indexing.runs import endings, lease
from indexing.runs.lease import LeaseWatch
from tests.support import cast
from tests.support.clock import Clock

pytestmark = [pytest.mark.services, pytest.mark.django_db]
State = RebuildRun.State
LEASE = 60
ELSEWHERE = Owner("another-machine", "boot", 1, "1")
GONE = Owner(processes.me().host, processes.boot_id(), processes.me().pid, "0")


@pytest.fixture
def clock(settings) -> Clock:
    settings.TCS_LEASE_SECONDS = LEASE
    clock = Clock()
    lease.watch.set(LeaseWatch(clock))
    return clock


def ask(owner: Owner | None = None, **options: object) -> RebuildRun:
    return runs.request("full", cast.command_actor(), owner=owner, **options)


def running(owner: Owner | None = None) -> RebuildRun:
    run = runs.claim(owner or processes.me(), ask().pk)
    assert run is not None
    return run


def outcome(**fields: object) -> runs.BuildOutcome:
    return runs.BuildOutcome(experts=3, encoded=3, reused=0, peak_mb=1, stages=[], manifest_sha256="aa", **fields)


def state_of(run: RebuildRun) -> str:
    return RebuildRun.objects.get(pk=run.pk).state


# --- Requested and cancelled --------------------------------------------------------------------------------
def test_only_scheduled_requests_wait_while_the_schedule_is_paused():
    assert ask(scheduled=True).scheduled
    runs.cancel(RebuildRun.objects.get().pk, cast.command_actor())
    IndexState.objects.update(schedule_paused_at=timezone.now(), schedule_paused_name="erin")
    with pytest.raises(SchedulePaused):
        ask(scheduled=True)
    assert ask().state == State.QUEUED


def test_a_request_that_every_profile_is_processed_again_is_in_the_history():
    user = cast.staff()
    runs.request("full", Actor(user.username, RebuildRun.Via.PAGE, user=user), reembed=True)
    assert "(full, every profile again)" in audit.sentence(LogEntry.objects.get())


def test_a_run_whose_worker_is_gone_crashed_and_is_not_cancelled():
    run = running(GONE)
    with pytest.raises(NotActive, match="crashed"):
        runs.cancel(run.pk, cast.command_actor())
    assert state_of(run) == State.CRASHED


def test_the_first_who_cancels_is_named():
    user = cast.staff(username="dave")
    run = running()
    runs.cancel(run.pk, cast.command_actor("carol"), "Too early.")
    again = runs.cancel(run.pk, Actor("dave", RebuildRun.Via.PAGE, user=user), "Mine.")
    run.refresh_from_db()
    for each in (run, again):
        assert (each.cancel_requested_name, each.cancel_reason) == ("carol", "Too early.")
    assert not LogEntry.objects.exists()
    assert run.lines.filter(message__startswith="Cancellation requested").count() == 1


def test_cancelling_a_running_run_returns_it_as_it_is_then():
    run = runs.cancel(running().pk, cast.command_actor("carol"), "Too early.")
    assert run.is_active
    assert (run.cancel_requested_name, run.cancel_reason) == ("carol", "Too early.")


def test_a_run_of_tags_ends_well_and_leaves_the_version_alone():
    run = runs.claim(processes.me(), runs.request("tags", cast.command_actor()).pk)
    assert run is not None
    runs.complete(run, outcome())
    run.refresh_from_db()
    assert (run.state, run.experts, run.version_id) == (State.DONE, 3, None)
    assert run.lines.last().text == "Done: the tags of 3 experts are up to date."
    assert IndexState.read().live_version_id is None


# --- The lease ----------------------------------------------------------------------------------------------
def test_a_lease_ends_after_its_last_second(clock):
    run = running(ELSEWHERE)
    runs.reap()
    clock.now += LEASE
    runs.reap()
    assert state_of(run) == State.RUNNING
    clock.now += 0.5
    runs.reap()
    assert state_of(run) == State.CRASHED


def test_a_run_that_no_worker_has_taken_is_waited_for_longer_than_a_lease(clock):
    run = ask()
    for _look in range(3):
        runs.reap()
        clock.now += 0.6 * LEASE
    assert state_of(run) == State.QUEUED


def test_the_stage_is_named_that_a_run_had_come_to_when_its_process_ended(monkeypatch):
    run = running(GONE)
    look = lease._why_lost

    def look_a_little_early(found: RebuildRun) -> Message | None:
        said = look(found)
        RebuildRun.objects.update(stage=RebuildRun.Stage.VERIFY)
        return said

    monkeypatch.setattr(lease, "_why_lost", look_a_little_early)
    runs.reap()
    run.refresh_from_db()
    assert "in stage “verify the files”" in run.error


def test_a_run_that_is_given_up_before_its_first_stage_says_so():
    run = running(GONE)
    runs.reap()
    run.refresh_from_db()
    assert "in stage “start”" in run.error


def test_giving_up_a_run_deletes_what_it_left():
    run = running(GONE)
    left = paths.building_folder(run.version_id, run.fence)
    left.mkdir(parents=True)
    IndexState.objects.update(database_id="ours")
    ownership.mark(left, "ours")
    runs.reap()
    assert state_of(run) == State.CRASHED
    assert not left.exists()


def test_a_run_that_is_given_up_raises_the_fence():
    run = running()
    assert runs.mark_crashed(run, "Gone.") is True
    assert IndexState.read().fence > run.fence


def test_a_command_that_finds_no_run_does_not_wait(clock):
    runs.wait_for_heartbeat(sleep=clock.sleep)
    assert clock.now == 1000.0


def test_a_command_does_not_wait_for_a_run_that_waits_for_a_worker(clock):
    ask()
    RebuildRun.objects.update(created_at=timezone.now() - timedelta(days=2))
    runs.wait_for_heartbeat(sleep=clock.sleep)
    assert clock.now == 1000.0


def test_a_command_waits_a_lease_for_a_run_that_was_never_started(clock):
    run = ask(ELSEWHERE)
    RebuildRun.objects.update(created_at=timezone.now() - timedelta(hours=2))
    runs.wait_for_heartbeat(sleep=clock.sleep)
    assert state_of(run) == State.CRASHED
    assert LEASE < clock.now - 1000.0 < LEASE + 15


def test_a_command_that_is_interrupted_stops_waiting(clock):
    run = running(ELSEWHERE)
    RebuildRun.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    runs.wait_for_heartbeat(lambda: clock.now >= 1003, sleep=clock.sleep)
    assert clock.now == 1003
    assert state_of(run) == State.RUNNING


# --- The end ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("end", [runs.publish, runs.complete, lambda run, how: runs.hold(run, how, "Why.")])
def test_a_worker_whose_fence_was_passed_does_not_end_its_run(end):
    """Although the row still calls the run its own."""
    run = running()
    IndexState.objects.update(fence=F("fence") + 1)
    with pytest.raises(FenceLost):
        end(run, outcome())
    assert state_of(run) == State.RUNNING
    assert IndexState.read().live_version is None


def test_a_run_that_was_lost_is_not_recorded_as_done_and_its_log_says_nothing_more():
    run = running()
    runs.mark_crashed(RebuildRun.objects.get(pk=run.pk), "Gone.")
    lines = run.lines.count()
    with pytest.raises(FenceLost):
        endings.end_well(run, outcome(), State.DONE, message("Done."))
    assert run.lines.count() == lines


@pytest.mark.parametrize("why", ["Too few.", message("Too few.")], ids=["text", "message"])
def test_a_held_run_says_why_in_its_row_and_its_log(why):
    run = running()
    runs.hold(run, outcome(), why)
    run.refresh_from_db()
    assert (run.state, run.error) == (State.HELD, "Too few.")
    assert run.lines.last().message == "Held: version 1 was built but not published. Too few."


def test_the_report_of_the_gate_is_stored_with_the_run():
    run = running()
    report = GateRecord(True, None, (), ("ann",), 1, (), 0, (), 0)
    runs.publish(run, outcome(gate=report))
    assert RebuildRun.objects.get(pk=run.pk).gate_record == report


def test_a_run_without_a_gate_stores_none():
    run = running()
    runs.publish(run, outcome())
    assert RebuildRun.objects.get(pk=run.pk).gate == {}


@pytest.mark.parametrize(("signal", "who"), [("SIGTERM", "SIGTERM"), ("", "somebody")])
def test_a_run_that_nobody_cancelled_names_the_signal(signal, who):
    run = running()
    assert runs.end_cancelled(run, signal)
    assert RebuildRun.objects.get(pk=run.pk).error == f"Cancelled by {who}."


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("end", [runs.end_cancelled, lambda run: runs.fail(run, "The disk is full.")])
def test_a_run_that_ends_badly_says_that_search_is_not_affected_where_there_is_one(end):
    first = running()
    end(first)
    assert "Search is" not in RebuildRun.objects.get(pk=first.pk).error
    cast.published()
    second = running()
    end(second)
    assert RebuildRun.objects.get(pk=second.pk).error.endswith(". Search is not affected.")


@pytest.mark.parametrize(
    ("end", "level"),
    [(lambda run: runs.fail(run, "Broken."), "error"), (runs.end_cancelled, "warning")],
    ids=["failed", "cancelled"],
)
def test_the_last_line_has_the_level_and_the_stage_of_the_end(end, level):
    run = running()
    RebuildRun.objects.filter(pk=run.pk).update(stage="embed")
    assert end(run) is True
    assert (run.lines.last().level, run.lines.last().stage) == (level, "embed")
