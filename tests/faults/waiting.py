"""Waiting for a condition, with a limit."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PATIENCE = 60.0
"""Seconds: where ten other processes want the two processors, everything takes long."""


OFTEN, SELDOM = 0.02, 0.1
"""Seconds between two looks; seldom where a web process is asked, which is at work on what is waited for."""


def until(holds: Callable[[], object], what: str, within: float = PATIENCE, every: float = OFTEN) -> float:
    """Wait until `holds()` is true; returns the seconds it took. Fails naming `what`."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within, f"not within {within:g} s: {what}"
        time.sleep(every)
    return time.monotonic() - began


class Promptly:
    """Asserts that the body took no longer than promised, the time set aside that processes waited for a processor.

    Of the processes `pids` and of this one, thread by thread, as Linux counts it: a machine that is busy with others
    fails no test, and one that is idle forgives nothing.
    """

    def __init__(self, what: str, within: float, *pids: int) -> None:
        self.what, self.within = what, within
        self._pids = (*pids, os.getpid())

    def __enter__(self) -> None:
        self._began, self._kept_waiting = time.monotonic(), kept_waiting(self._pids)

    def __exit__(self, kind: object, *_exception: object) -> None:
        if kind is None:
            took = time.monotonic() - self._began
            kept = kept_waiting(self._pids) - self._kept_waiting
            assert took - kept < self.within, f"{self.what}: {took:.2f} s, of which {kept:.2f} s without a processor"


def kept_waiting(pids: tuple[int, ...]) -> float:
    """Seconds that the threads of these processes were ready to run and did not."""
    nanoseconds = 0
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with suppress(OSError):  # it has ended
                nanoseconds += int(thread.read_text().split()[1])
    return nanoseconds / 1e9
