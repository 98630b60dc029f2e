"""Starting faulty workers: real processes, forked from one that has everything imported already (0.1 s, not 3)."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings

from tests.faults import faulty_worker
from tests.faults.marks import GO_ON, PAUSED
from tests.faults.waiting import until
from tests.support import forked

_context = multiprocessing.get_context("forkserver")


class Worker:
    """`Worker(run.pk, "stage embed", "kill")`: builds the run and is killed on entering that stage."""

    def __init__(self, run_id: int, point: str = "", action: str = "", **given: Any) -> None:
        clear_marks()
        self.process = _context.Process(
            target=faulty_worker.main,
            args=(run_id, point, action, given),
            name=f"worker of run {run_id}",
            daemon=True,
        )
        self.process.start()

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def ended(self, within: float = 60) -> int:
        """Wait for its end: its exit code, or minus the signal."""
        self.process.join(within)
        assert self.process.exitcode is not None, f"the worker did not end within {within} s"
        return self.process.exitcode

    def stopped(self) -> None:
        """Wait until it has stopped (SIGSTOP)."""
        until(lambda: psutil.Process(self.pid).status() == psutil.STATUS_STOPPED, "the worker has stopped")

    def paused(self) -> None:
        """Wait until it stands at its point (action "pause")."""
        until((_folder() / PAUSED).exists, "the worker is at its point")

    def go_on(self) -> None:
        (_folder() / GO_ON).touch()

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def remove(self) -> None:
        if self.process.is_alive():
            self.process.kill()
        self.process.join()


def warm_up() -> None:
    """Have the process that workers are forked from import everything now."""
    process = _context.Process(target=faulty_worker.nothing)
    process.start()
    process.join()


def end_left_over() -> None:
    """End the workers that web processes of this test started: they outlive them, and compute maps still."""
    left = [process for process in psutil.process_iter() if _is_ours(process)]
    for process in left:
        process.kill()
    psutil.wait_procs(left, 10)
    forked.end_workers(_folder())


def _is_ours(process: psutil.Process) -> bool:
    try:
        return "index_worker" in process.cmdline() and process.environ().get("TCS_DATA_DIR") == str(_folder())
    except psutil.Error:
        return False


def clear_marks() -> None:
    for name in (PAUSED, GO_ON):
        (_folder() / name).unlink(missing_ok=True)


def _folder() -> Path:
    return Path(settings.DATA_DIR)
