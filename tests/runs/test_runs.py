"""The rules of runs: one at a time, forward only, under a fence."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from indexing import runs
from indexing.audit import Actor
from indexing.errors import Busy, Cancelled, FenceLost, NotActive
from indexing.lib import paths, processes
from indexing.lib.processes import Owner
from indexing.models import IndexState, IndexVersion, RebuildRun
from indexing.runs import lease
from indexing.runs.lease import LeaseWatch
from tests.support import cast
from tests.support.clock import Clock

pytestmark = pytest.mark.services
State = RebuildRun.State
ELSEWHERE = Owner("another-machine", "boot", 1, "1")
GONE = Owner(processes.me().host, processes.boot_id(), processes.me().pid, "0")


def ask(kind: str = "full", owner: Owner | None = None) -> RebuildRun:
    return runs.request(kind, cast.command_actor(), owner=owner)


def running(kind: str = "full", owner: Owner | None = None) -> RebuildRun:
    run = runs.claim(owner or processes.me(), ask(kind).pk)
    assert run is not None
    return run


def outcome(experts: int = 3) -> runs.BuildOutcome:
    return runs.BuildOutcome(experts=experts, encoded=experts, reused=0, peak_mb=1, stages=[], manifest_sha256="aa")


@pytest.mark.django_db
def test_a_second_request_names_the_running_run():
    run = running()
    with pytest.raises(Busy) as refusal:
        ask("tags")
    assert refusal.value.run == run
    assert "operator" in str(refusal.value)


@pytest.mark.django_db(transaction=True)
def test_of_many_requests_at_once_one_is_granted():
    answers: list[str] = []
    ready = threading.Barrier(8)

    def ask_too() -> None:
        ready.wait()
        try:
            answers.append(f"run {ask().pk}")
        except Busy as refusal:
            answers.append(f"busy {refusal.run.pk}")
        finally:
            connection.close()

    threads = [threading.Thread(target=ask_too) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    granted = RebuildRun.objects.get()
    assert sorted(answers) == [f"busy {granted.pk}"] * 7 + [f"run {granted.pk}"]


@pytest.mark.django_db
def test_the_database_itself_refuses_a_second_active_run():
    RebuildRun.objects.create()
    with pytest.raises(IntegrityError), transaction.atomic():
        RebuildRun.objects.create(state=State.RUNNING)


@pytest.mark.django_db
def test_a_run_is_claimed_once():
    run = ask()
    assert runs.claim(processes.me(), run.pk) is not None
    assert runs.claim(processes.me(), run.pk) is None


@pytest.mark.django_db
def test_each_claim_raises_the_fence_and_numbers_a_new_version():
    first = running()
    runs.fail(first, "Broken.")
    second = running()
    assert second.fence > first.fence
    assert second.version_id == first.version_id + 1


@pytest.mark.django_db
@pytest.mark.parametrize("folder", ["000042", "000042.7.building"])
def test_a_number_that_exists_on_the_disk_is_not_used_again(folder):
    """After a restore of a database that is older than the versions beside it."""
    (paths.versions_folder() / folder).mkdir(parents=True)
    (paths.versions_folder() / "99999999999999999999").mkdir()
    run = running()
    assert run.version_id == 43


@pytest.mark.django_db
def test_publishing_makes_the_version_live_and_retires_the_last():
    first = running()
    runs.publish(first, outcome(experts=3))
    second = running()
    runs.publish(second, outcome(experts=5))
    state = IndexState.read()
    assert state.live_version_id == second.version_id
    assert state.expert_count_at_rebuild == 5
    assert IndexVersion.objects.get(pk=first.version_id).state == IndexVersion.State.KEPT
    second.refresh_from_db()
    assert second.state == State.DONE
    assert second.lines.last().message.startswith("Done")


@pytest.mark.django_db
def test_a_worker_whose_run_was_lost_may_not_publish():
    run = running()
    runs.mark_crashed(run, "Nothing was heard.")
    with pytest.raises(FenceLost):
        runs.publish(run, outcome())
    with pytest.raises(FenceLost):
        runs.beat(run)
    assert IndexState.read().live_version is None
    run.refresh_from_db()
    assert run.state == State.CRASHED


@pytest.mark.django_db
def test_a_tags_run_leaves_the_time_and_the_live_version_alone():
    runs.publish(running(), outcome())
    before = IndexState.read()
    run = running("tags")
    assert run.version_id is None
    runs.complete(run, outcome(experts=9))
    after = IndexState.read()
    assert (after.live_version_id, after.last_rebuild_at, after.expert_count_at_rebuild) == (
        before.live_version_id,
        before.last_rebuild_at,
        before.expert_count_at_rebuild,
    )


@pytest.mark.django_db
def test_a_failed_run_gives_back_its_version():
    run = running()
    assert runs.fail(run, "The disk is full.")
    assert not IndexVersion.objects.exists()
    run.refresh_from_db()
    assert (run.state, run.error) == (State.FAILED, "The disk is full.")
    assert run.lines.last().message == "The disk is full."


@pytest.mark.django_db
def test_an_ended_run_does_not_end_again():
    run = running()
    runs.publish(run, outcome())
    assert not runs.fail(run, "Too late.")
    run.refresh_from_db()
    assert run.state == State.DONE


@pytest.mark.django_db
def test_cancelling_a_queued_run_ends_it_at_once():
    run = runs.cancel(ask().pk, cast.command_actor("carol"))
    run.refresh_from_db()
    assert run.state == State.CANCELLED
    assert "carol" in run.error
    assert runs.claim(processes.me(), run.pk) is None


@pytest.mark.django_db
def test_cancelling_a_running_run_tells_its_worker_and_wins_over_publishing():
    run = running()
    assert runs.beat(run) is False
    runs.cancel(run.pk, cast.command_actor("carol"))
    assert runs.beat(run) is True
    with pytest.raises(Cancelled):
        runs.publish(run, outcome())
    runs.end_cancelled(run)
    run.refresh_from_db()
    assert run.state == State.CANCELLED
    assert "carol" in run.error


@pytest.mark.django_db
def test_an_ended_run_cannot_be_cancelled():
    run = running()
    runs.publish(run, outcome())
    with pytest.raises(NotActive):
        runs.cancel(run.pk, cast.command_actor())


@pytest.mark.django_db
def test_a_run_whose_process_is_gone_is_lost_and_the_next_may_start():
    run = running(owner=GONE)
    RebuildRun.objects.filter(pk=run.pk).update(stage="embed")
    following = ask()
    run.refresh_from_db()
    assert run.state == State.CRASHED
    assert "process profiles" in run.error
    assert following.state == State.QUEUED


@pytest.mark.django_db
def test_a_queued_run_is_lost_when_its_starter_is_gone():
    run = ask(owner=GONE)
    runs.reap()
    run.refresh_from_db()
    assert run.state == State.CRASHED


@pytest.mark.django_db
def test_a_queued_run_waits_for_external_workers_as_long_as_it_takes():
    run = ask()
    RebuildRun.objects.update(created_at=timezone.now() - timedelta(days=2))
    runs.reap()
    run.refresh_from_db()
    assert run.state == State.QUEUED


@pytest.mark.django_db
def test_a_silent_worker_elsewhere_is_lost_after_its_lease(settings):
    settings.TCS_LEASE_SECONDS = 60
    clock = [1000.0]
    lease.watch.set(LeaseWatch(lambda: clock[0]))
    run = running(owner=ELSEWHERE)
    runs.reap()
    clock[0] += 50
    runs.beat(run)
    runs.reap()
    clock[0] += 59
    runs.reap()
    run.refresh_from_db()
    assert run.state == State.RUNNING
    clock[0] += 2
    runs.reap()
    run.refresh_from_db()
    assert run.state == State.CRASHED


@pytest.mark.django_db
def test_a_process_that_could_not_look_for_a_lease_loses_no_run(settings):
    settings.TCS_LEASE_SECONDS = 60
    clock = [1000.0]
    lease.watch.set(LeaseWatch(lambda: clock[0]))
    run = running(owner=ELSEWHERE)
    runs.reap()
    clock[0] += 61  # the database was away for both
    runs.reap()
    run.refresh_from_db()
    assert run.state == State.RUNNING


CLOCKS = [timedelta(hours=-1), timedelta(days=-400), timedelta(hours=1), timedelta(days=400)]


@pytest.mark.django_db
@pytest.mark.parametrize("whose", ["mine", "elsewhere"])
@pytest.mark.parametrize("jump", CLOCKS, ids=str)
def test_a_clock_that_is_set_between_heartbeat_and_check_loses_no_run(jump, whose, settings, monkeypatch):
    """Forward or back: for who has just started, for who has watched all along, and for who asks for the next run."""
    settings.TCS_LEASE_SECONDS = 60
    elapsed = [1000.0]
    lease.watch.set(LeaseWatch(lambda: elapsed[0]))
    real_now = timezone.now
    run = running(owner=ELSEWHERE if whose == "elsewhere" else None)
    assert runs.beat(run) is False
    monkeypatch.setattr(timezone, "now", lambda: real_now() + jump)
    for turn in range(40):  # nearly twenty leases, with a beat in each half of one
        runs.reap()
        elapsed[0] += 29
        runs.beat(run)
        with pytest.raises(Busy):
            ask()
        if turn % 2:
            lease.watch.set(LeaseWatch(lambda: elapsed[0]))
    run.refresh_from_db()
    assert run.state == State.RUNNING


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    lease.watch.set(LeaseWatch(clock))
    return clock


@pytest.mark.django_db
@pytest.mark.parametrize("hours", [-1, 1])
def test_a_command_waits_for_a_heartbeat_of_a_run_that_looks_stale(hours, settings, clock):
    settings.TCS_LEASE_SECONDS = 60
    run = running(owner=ELSEWHERE)
    RebuildRun.objects.update(heartbeat_at=timezone.now() - timedelta(hours=hours))
    began = clock.now

    def heard_after_ten_seconds() -> bool:
        if clock.now - began > 10:
            RebuildRun.objects.filter(pk=run.pk).update(beats=run.beats + 1)
        return False

    runs.wait_for_heartbeat(heard_after_ten_seconds, sleep=clock.sleep)
    run.refresh_from_db()
    assert run.state == State.RUNNING
    assert clock.now - began < 12
    runs.wait_for_heartbeat(sleep=clock.sleep)  # and when nothing more is heard, it is lost after a lease
    run.refresh_from_db()
    assert run.state == State.CRASHED
    assert 60 < clock.now - began < 75


@pytest.mark.django_db
def test_a_command_does_not_wait_for_a_run_with_a_recent_heartbeat(settings, clock):
    settings.TCS_LEASE_SECONDS = 60
    running(owner=ELSEWHERE)
    runs.wait_for_heartbeat(sleep=clock.sleep)
    assert clock.now == 1000.0


@pytest.mark.django_db
def test_what_people_do_is_audited_with_their_address():
    user = cast.staff()
    actor = Actor(user.username, RebuildRun.Via.PAGE, user=user, address="192.0.2.7")
    run = runs.request("full", actor)
    runs.cancel(run.pk, actor)
    messages = list(LogEntry.objects.filter(user=user).values_list("change_message", flat=True))
    assert len(messages) == 2
    assert all("192.0.2.7" in message for message in messages)
