"""A thread beside the requests of a serving process, for as long as that lives."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable


class Background:
    """At most one thread. `work(ending)` returns soon after `ending` is set."""

    def __init__(self, name: str, work: Callable[[threading.Event], None]) -> None:
        self._name = name
        self._work = work
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start it, once."""
        if self._thread is None:
            self._ending.clear()
            self._thread = threading.Thread(target=self._work, args=[self._ending], name=self._name, daemon=True)
            self._thread.start()
            atexit.register(self.stop)

    def stop(self) -> None:
        """End it, within five seconds; also when the process exits."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
            self._thread = None
        atexit.unregister(self.stop)
