"""What the supervisor of the web processes decides, without processes."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from indexing.search import counters
from tcs_site.supervising import ProcessGroup
from tcs_site.web_processes import count, counts, supervisor
from tcs_site.web_processes.supervisor import NeverServed, Supervisor


class FakeProcess:
    """A process of which the test decides what it does."""

    began = 0.0
    ending = "exit code 1"

    def __init__(self, _group: object, _listening: object, *, when_ready: bool) -> None:
        self.when_ready = when_ready
        self.accepts = self.has_ended = self.was_killed = self.must_finish = False

    def finish(self) -> None:
        self.must_finish = True

    def kill(self) -> None:
        self.was_killed = not self.has_ended
        self.has_ended = True

    def forget(self) -> None:
        pass


class House:
    """A supervisor, the processes that it has started, and what it has said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, count: int = 2) -> None:
        self.started: list[FakeProcess] = []
        self.said: list[str] = []
        self.now = 1_000.0
        monkeypatch.setattr(supervisor, "WebProcess", self._start)
        monkeypatch.setattr(supervisor.time, "monotonic", lambda: self.now)
        self.supervisor = Supervisor(
            ProcessGroup(),
            socket.socket(),
            count,
            greet=lambda: self.said.append("hello"),
            complain=self.said.append,
            prepare=dict,
        )

    def _start(self, *arguments: Any, **options: Any) -> FakeProcess:
        self.started.append(FakeProcess(*arguments, **options))
        return self.started[-1]

    def look(self, seconds: float = 0.0) -> None:
        self.now += seconds
        self.supervisor._look()

    def serve(self) -> None:
        """All that there should be are started and accept connections."""
        self.look()
        for each in self.started:
            each.accepts = True
            each.began = self.now
        self.look()


@pytest.fixture
def house(monkeypatch) -> House:
    return House(monkeypatch)


def test_the_first_accepts_connections_at_once_and_the_others_when_they_can_search(house):
    house.serve()
    assert [each.when_ready for each in house.started] == [False, True]
    assert house.said == ["hello"]


def test_one_that_cannot_start_at_all_ends_the_supervisor(house):
    house.look()
    house.started[0].has_ended = True
    with pytest.raises(NeverServed, match="exit code 1"):
        house.look()


def test_one_that_ends_is_started_again_after_longer_and_longer_pauses(house):
    house.serve()
    for pause in (1, 2, 4):
        house.started[-1].has_ended = True
        count = len(house.started)
        house.look()
        assert f"again in {pause} s. The others go on." in house.said[-1]
        house.look(pause - 0.1)
        assert len(house.started) == count
        house.look(0.2)
        assert len(house.started) == count + 1
        house.started[-1].began = house.now
        assert house.started[-1].when_ready


def test_each_is_replaced_once_its_successor_accepts_connections(house):
    house.serve()
    first, second = house.started
    house.supervisor.replace_all()
    house.look()
    third = house.started[2]
    house.look(60)
    assert third.when_ready
    assert not first.must_finish
    third.accepts = True
    house.look()
    assert first.must_finish
    assert not second.must_finish
    first.has_ended = True
    house.look()
    house.started[3].accepts = True
    house.look()
    assert second.must_finish
    house.look(supervisor.FINISH_SECONDS - 1)
    assert not second.was_killed
    house.look(2)
    assert second.was_killed
    house.look()
    assert len(house.started) == 4
    assert house.said == ["hello"]


@pytest.mark.parametrize("ends", [True, False])
def test_a_successor_that_does_not_start_leaves_those_that_serve(house, ends):
    house.serve()
    first, second = house.started
    house.supervisor.replace_all()
    house.look()
    house.started[2].has_ended = ends
    house.look(supervisor.READY_SECONDS + 1)
    house.look()
    assert "did not start (exit code 1). The restart ends here" in house.said[-1]
    assert house.started[2].was_killed is not ends
    assert not (first.must_finish)
    assert not (second.must_finish)
    assert len(house.started) == 3


def test_two_requests_to_replace_are_kept_apart(house):
    house.serve()
    for _ in range(2):
        house.supervisor.replace_all()
    for _ in range(8):
        for each in house.started:
            each.accepts, each.has_ended = True, each.must_finish
        house.look()
    assert len(house.started) == 4


@pytest.mark.parametrize(("gigabytes", "processors", "suitable"), [(1.9, 8, 1), (2, 1, 1), (4, 2, 2), (64, 16, 4)])
def test_how_many_there_are_by_default(monkeypatch, gigabytes, processors, suitable):
    monkeypatch.setattr(count, "memory", lambda: gigabytes * 2**30)
    monkeypatch.setattr(count, "processors", lambda: processors)
    assert count.suitable() == suitable


def test_only_folders_of_counts_that_nobody_uses_are_removed(tmp_path, monkeypatch, settings):
    settings.TCS_WEB_PROCESSES = 2
    monkeypatch.setattr(counts, "MEMORY", tmp_path)
    left, young = tmp_path / f"{counts.PREFIX}left", tmp_path / f"{counts.PREFIX}young"
    with counts.shared_counts() as environment:
        used = Path(environment[counters.FOLDER])
        for folder in (left, young):
            folder.mkdir()
        (left / "counter_1.db").write_bytes(b"1")
        for folder in (left, used):
            os.utime(folder, (0, 0))
        with counts.shared_counts():
            assert (left.exists(), young.exists(), used.exists()) == (False, True, True)
    assert list(tmp_path.iterdir()) == [young]


def test_one_process_counts_in_its_memory(settings):
    settings.TCS_WEB_PROCESSES = 1
    with counts.shared_counts() as environment:
        assert environment == {}
