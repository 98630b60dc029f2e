"""Threads beside the main work of a process, which survive whatever goes wrong in them."""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from django.db import close_old_connections, connection

from indexing.lib.process_state import on_forget
from indexing.lib.pulse import WORKING_SECONDS, Pulse
from indexing.lib.setbacks import Setbacks

logger = logging.getLogger(__name__)

STOP_SECONDS = 5.0

Work = Callable[[], float | None]
"""One turn: returns the seconds to pause before the next one, or None if there is nothing more to do."""


def keep_working(
    work: Work, ending: threading.Event, pulse: Pulse, *, retry_seconds: float, first_pause: float = 0.0
) -> None:
    """Take turns until `ending` is set or nothing is left to do. No error ends it: the turn is tried again, after
    `retry_seconds` at first.
    """
    setbacks = Setbacks(pulse.name, logger, retry_seconds=retry_seconds)
    pause: float | None = first_pause
    while pause is not None and not ending.wait(pause):
        try:
            with pulse.working():
                pause = work()
        except Exception as error:  # noqa: BLE001  nobody would start it again
            pause = setbacks.failed(error)
            with suppress(Exception):
                connection.close()
        else:
            setbacks.over()
            pulse.rest(pause or 0.0)


class BackgroundThread:
    """At most one thread that takes turns: work, pause, work again.

    `work` returns the seconds to pause, or None to end. A turn that fails is tried again after `retry_seconds`, and
    later after longer pauses. `at_end` is a last piece of work, done when the thread is stopped or the process exits.
    A turn that takes longer than `working_seconds` without a `pulse.beat` is reported as stalled.
    """

    def __init__(
        self,
        name: str,
        work: Work,
        *,
        retry_seconds: float,
        first_pause: float = 0.0,
        at_end: Callable[[], object] | None = None,
        working_seconds: float = WORKING_SECONDS,
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        self._name = name
        self._work = work
        self._retry_seconds = retry_seconds
        self._first_pause = first_pause
        self._at_end = at_end
        self._stop_seconds = stop_seconds
        self._pulse = Pulse(name, working_seconds=working_seconds, retry_seconds=retry_seconds)
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        on_forget(self.stop)

    def start(self) -> None:
        """Start it, once. If the system has no room for a thread, that is logged, and `pulse.stalled` names it."""
        with self._starting:
            if self._thread is not None:
                return
            self._ending = threading.Event()
            self._pulse.start(self._first_pause)
            thread = threading.Thread(target=self._run, args=[self._ending], name=self._name, daemon=True)
            try:
                thread.start()
            except RuntimeError:
                logger.exception("The thread %s could not be started: restart this process.", self._name)
                return
            self._thread = thread
            atexit.register(self.stop)

    def stop(self) -> None:
        """Ask the thread to end, and wait up to five seconds for it."""
        with self._starting:
            thread, self._thread = self._thread, None
            self._ending.set()
            self._pulse.end()
        if thread is not None:
            thread.join(timeout=self._stop_seconds)
            atexit.unregister(self.stop)

    def _run(self, ending: threading.Event) -> None:
        keep_working(
            self._turn, ending, self._pulse, retry_seconds=self._retry_seconds, first_pause=self._first_pause
        )
        if not ending.is_set():
            self._pulse.end()
        if self._at_end is not None:
            try:
                self._at_end()
            except Exception as error:  # noqa: BLE001  nothing comes after it
                logger.warning("%s could not finish: %s", self._name, error)
        connection.close()

    def _turn(self) -> float | None:
        pause = self._work()
        close_old_connections()
        return pause
