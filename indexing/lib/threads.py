"""A thread beside the requests of a web process, for as long as the process lives."""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from indexing.lib.process_state import on_forget

logger = logging.getLogger(__name__)

STOP_SECONDS = 5.0


class BackgroundThread:
    """At most one thread that takes turns: work, pause, work again.

    `work` returns the seconds to pause. While the database is away a turn is tried again after `retry_seconds`.
    `at_end` is a last piece of work, done when the thread is stopped or the process exits.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], float],
        *,
        retry_seconds: float,
        first_pause: float = 0.0,
        at_end: Callable[[], object] | None = None,
    ) -> None:
        self._name = name
        self._work = work
        self._retry_seconds = retry_seconds
        self._first_pause = first_pause
        self._at_end = at_end
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        on_forget(self.stop)

    def start(self) -> None:
        """Start it, once."""
        with self._starting:
            if self._thread is None:
                self._ending = threading.Event()
                self._thread = threading.Thread(target=self._run, args=[self._ending], name=self._name, daemon=True)
                self._thread.start()
                atexit.register(self.stop)

    def stop(self) -> None:
        """Ask the thread to end, and wait up to five seconds for it."""
        with self._starting:
            thread, self._thread = self._thread, None
            self._ending.set()
        if thread is not None:
            thread.join(timeout=STOP_SECONDS)
            atexit.unregister(self.stop)

    def _run(self, ending: threading.Event) -> None:
        pause = self._first_pause
        while not ending.wait(pause):
            try:
                pause = self._work()
            except (DatabaseError, InterfaceError) as error:
                pause = self._retry_seconds
                logger.warning("The database does not answer (%s): %s tries again in %g s.", error, self._name, pause)
                connection.close()
            close_old_connections()
        if self._at_end is not None:
            try:
                self._at_end()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("The database does not answer (%s): %s could not finish.", error, self._name)
        connection.close()
