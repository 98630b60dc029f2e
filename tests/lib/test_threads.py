"""Background work survives whatever goes wrong in it, and what has not run lately is named."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.db import OperationalError

from indexing.lib import pulse, threads
from indexing.lib.setbacks import Setbacks
from indexing.lib.threads import BackgroundThread
from tests.support.waiting import until


@pytest.fixture
def started() -> Iterator[list[BackgroundThread]]:
    begun: list[BackgroundThread] = []
    yield begun
    for thread in begun:
        thread.stop()


class Work:
    """Turns of work: each raises the next of `errors`, and those after them go well."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.turns = 0

    def __call__(self) -> float:
        self.turns += 1
        if self.errors:
            raise self.errors.pop(0)
        return 0.01


ERRORS = (
    OSError(24, "Too many open files"),
    OSError(24, "Too many open files"),
    MemoryError(),
    ZeroDivisionError("a bug"),
    OperationalError("the database is away"),
    OperationalError("the database is away"),
)


@pytest.mark.django_db
def test_a_thread_survives_every_error_and_says_each_kind_once_and_when_it_is_over(started, caplog):
    work = Work(*ERRORS)
    thread = BackgroundThread("fragile", work, retry_seconds=0.001)
    started.append(thread)
    with caplog.at_level(logging.INFO, logger=threads.__name__):
        thread.start()
        until(lambda: work.turns > len(ERRORS) + 3 and "works again" in caplog.text)
    for words in ("Too many open files", "MemoryError", "a bug", "the database is away"):
        assert len([record for record in caplog.records if words in record.getMessage()]) == 1, words
    assert caplog.text.count("works again, after 6 failed attempts") == 1
    assert pulse.stalled() == []


def test_pauses_grow_to_a_limit_and_start_again_after_a_good_turn():
    setbacks = Setbacks("fragile", logging.getLogger(), retry_seconds=0.5)
    pauses = [setbacks.failed(ValueError()) for _ in range(6)]
    assert pauses == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    setbacks.over()
    assert setbacks.failed(ValueError()) == 0.5
    assert Setbacks("slow", logging.getLogger(), retry_seconds=60.0).failed(ValueError()) == 60.0


def test_a_thread_that_begins_later_is_not_missed_before(started, monkeypatch):
    monkeypatch.setattr(pulse, "LATE_SECONDS", 0.0)
    thread = BackgroundThread("later", Work(), retry_seconds=0.0, first_pause=60.0)
    started.append(thread)
    thread.start()
    assert [each.name for each in pulse.watched()] == ["later"]
    assert pulse.stalled() == []


def test_a_thread_without_more_to_do_ends_and_is_not_missed(started, monkeypatch):
    monkeypatch.setattr(pulse, "LATE_SECONDS", 0.0)
    thread = BackgroundThread("short", lambda: None, retry_seconds=0.0)
    started.append(thread)
    thread.start()
    until(lambda: "short" not in {each.name for each in threading.enumerate()})
    assert "short" not in {each.name for each in pulse.watched()}


def test_a_thread_that_fails_for_long_is_named_until_it_works(started, monkeypatch):
    monkeypatch.setattr(pulse, "LATE_SECONDS", 0.05)
    broken = threading.Event()
    broken.set()

    def work() -> float:
        if broken.is_set():
            raise OSError(24, "Too many open files")
        return 0.001

    thread = BackgroundThread("fragile", work, retry_seconds=0.01)
    started.append(thread)
    thread.start()
    until(lambda: [each.name for each in pulse.stalled()] == ["fragile"])
    broken.clear()
    until(lambda: not pulse.stalled())


def test_a_thread_that_died_is_named(started, monkeypatch):
    """Nothing catches SystemExit."""
    monkeypatch.setattr(pulse, "LATE_SECONDS", 0.05)
    monkeypatch.setattr(threading, "excepthook", lambda _arguments: None)
    thread = BackgroundThread("mortal", Work(SystemExit()), retry_seconds=0.01)
    started.append(thread)
    thread.start()
    until(lambda: [each.name for each in pulse.stalled()] == ["mortal"])


def test_a_thread_that_the_system_refuses_is_named(started, monkeypatch, caplog):
    monkeypatch.setattr(pulse, "LATE_SECONDS", 0.05)

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    thread = BackgroundThread("unborn", Work(), retry_seconds=0.01)
    started.append(thread)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        thread.start()
    assert "unborn could not be started" in caplog.text
    until(lambda: [each.name for each in pulse.stalled()] == ["unborn"])


def test_long_work_is_not_dead_while_it_gives_signs(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(pulse, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    work = pulse.Pulse("busy", working_seconds=60.0, retry_seconds=1.0)
    work.rest(5.0)
    clock[0] = 15.0
    assert not work.has_stalled  # due 10 s ago
    with work.working():
        clock[0] += 59.0
        assert not work.has_stalled
        pulse.beat()
        clock[0] += 59.0
        assert not work.has_stalled
        clock[0] += 2.0
        assert work.has_stalled
    work.rest(0.0)
    clock[0] += 5.0
    with pytest.raises(ValueError, match="a bug"), work.working():
        raise ValueError("a bug")
    clock[0] += 5.0
    assert not work.has_stalled  # it may be in its pause
    clock[0] += 2.0
    assert work.has_stalled
    assert work.age == 12.0


WITHOUT_DESCRIPTORS = """
import os, resource, sys, time
import django
django.setup()
from indexing.lib import pulse, setbacks
from indexing.models import ServingProcess
from indexing.ops import health
from indexing.serving import live
pulse.LATE_SECONDS = 0.5
live.REPORT_SECONDS = 0.1
setbacks.LONGEST_PAUSE = 0.5

def until(condition):
    give_up = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)

live.start()
until(ServingProcess.objects.exists)
resource.setrlimit(resource.RLIMIT_NOFILE, (200, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
held = []
try:
    while True:
        held.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    pass
until(pulse.stalled)
print([each.name for each in pulse.stalled()], health._background(), flush=True)
for _ in range(5):  # at one number the database can be opened, and then the file in /proc cannot
    os.close(held.pop())
    time.sleep(0.7)
for each in held:
    os.close(each)
until(lambda: not pulse.stalled())
seen = ServingProcess.objects.get().seen_at
until(lambda: ServingProcess.objects.get().seen_at > seen)
print("alive", flush=True)
"""


@pytest.mark.django_db(transaction=True)
def test_the_thread_that_changes_versions_survives_the_want_of_descriptors():
    """For real: not one file can be opened for a while, neither of the database nor in /proc."""
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_DESCRIPTORS],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[0].startswith("['live'] {'ok': False")
    assert ended.stdout.splitlines()[1] == "alive"
    assert "OSError: [Errno 24] Too many open files" in ended.stderr  # what ended the thread before
    assert "works again" in ended.stderr
