"""What the thread does at each of its turns, by a clock that the test sets."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from indexing.lib import paths, processes
from indexing.models import IndexState, IndexVersion, ServingProcess
from indexing.serving import live
from indexing.serving.live import Live
from indexing.versions import decisions
from tests.support import cast
from tests.support.clock import Clock
from tests.support.damage import flip_bit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(live, "time", clock)
    return clock


@pytest.fixture
def serving() -> Live:
    return live.served.get()


def rebuilt() -> int:
    number = cast.rebuild().version_id
    assert number is not None
    return number


def test_a_refused_version_is_tried_again_after_a_pause(serving, clock):
    cast.experts(3)
    first = rebuilt()
    serving.refresh()
    file = paths.version_folder(rebuilt()) / "vectors.npy"
    flip_bit(file)
    serving.refresh()
    flip_bit(file)  # as it was
    clock.now += live.RETRY_SECONDS - 0.1
    serving.refresh()
    assert live.current().number == first
    assert live.problem()
    clock.now += 0.1
    serving.refresh()
    assert live.current().number == first + 1
    assert live.problem() == ""


def test_the_version_that_is_served_stays_open_while_the_live_one_is_refused(serving):
    cast.experts(3)
    rebuilt()
    serving.refresh()
    opened = live.current()
    flip_bit(paths.version_folder(rebuilt()) / "vectors.npy")
    serving.refresh()
    assert live.current() is opened


def test_the_problem_is_over_when_the_version_that_is_served_is_live_again(serving):
    cast.experts(3)
    first = rebuilt()
    serving.refresh()
    flip_bit(paths.version_folder(rebuilt()) / "vectors.npy")
    serving.refresh()
    assert live.problem()
    decisions.roll_back(first, cast.command_actor(), "It is damaged.")
    serving.refresh()
    assert live.problem() == ""


def test_without_a_live_version_a_process_has_no_problem(serving):
    serving.refresh()
    assert live.problem() == ""


def test_a_command_opens_the_live_version_although_an_older_one_was_open(serving):
    cast.experts(3)
    rebuilt()
    live.load_now()
    flip_bit(paths.version_folder(rebuilt()) / "vectors.npy")
    assert live.load_now().number == 1, "it goes on with what it has"
    third = rebuilt()
    assert live.load_now().number == third


def reported() -> ServingProcess | None:
    return ServingProcess.objects.owned_by(processes.me()).first()


def test_a_process_reports_every_two_seconds_what_it_serves(serving, clock):
    live._keep_current()
    assert reported().version_number is None
    cast.experts(3)
    number = rebuilt()
    clock.now += live.REPORT_SECONDS - 0.1
    live._keep_current()
    assert live.current().number == number, "it looks at every turn"
    assert reported().version_number is None
    clock.now += 0.1
    live._keep_current()
    assert (reported().version_number, reported().problem, reported().problem_data) == (number, "", None)


def test_a_process_reports_its_problem(serving):
    cast.experts(3)
    flip_bit(paths.version_folder(rebuilt()) / "vectors.npy")
    live._keep_current()
    assert reported().version_number is None
    assert "vectors.npy" in reported().problem
    assert "vectors.npy" in reported().problem_text
    assert reported().problem_data is not None


def test_a_process_removes_the_reports_of_those_that_ended_long_ago(serving):
    for pid, minutes in ((1, 2), (2, 0)):
        ServingProcess.objects.create(
            host="elsewhere", pid=pid, process_start="1", seen_at=timezone.now() - timedelta(minutes=minutes)
        )
    live._keep_current()
    assert set(ServingProcess.objects.filter(host="elsewhere").values_list("pid", flat=True)) == {2}


@pytest.mark.parametrize(("worker", "started"), [("subprocess", [7]), ("external", [])])
def test_a_map_that_nobody_computes_is_taken_over_where_processes_start_workers(
    worker, started, serving, settings, monkeypatch
):
    settings.TCS_WORKER = worker
    asked: list[int] = []
    monkeypatch.setattr(live.launch, "start_worker_for_map", lambda version: asked.append(version.number))
    live._keep_current()
    assert asked == [], "without a live version there is no map"
    version = IndexVersion.objects.create(number=7, state=IndexVersion.State.LIVE, map_state="done")
    IndexState.objects.update(live_version=version)
    serving.next_report = 0.0
    live._keep_current()
    assert asked == []
    IndexVersion.objects.update(map_state="none")
    serving.next_report = 0.0
    live._keep_current()
    assert asked == started
