"""Signs of life of what runs in the background of a process. Whoever watches asks `stalled()`.

Work that pauses gives a sign at the end of each turn, and is expected again after its pause. Within a long turn,
`beat()` is a sign too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

LATE_SECONDS = 10.0
"""So long after it was due, work that pauses or fails has stalled."""
WORKING_SECONDS = 60.0
"""So long work may be busy without a sign."""


class Pulse:
    """The last sign of life of one piece of background work."""

    def __init__(self, name: str, *, working_seconds: float = WORKING_SECONDS, retry_seconds: float = 0.0) -> None:
        """`retry_seconds`: the pause after a turn that failed; a single failure is not reported."""
        self.name = name
        self._working_seconds = working_seconds
        self._retry_seconds = retry_seconds
        self._is_working = False
        self._last = self._due = time.monotonic()

    def start(self, pause: float = 0.0) -> None:
        """Expect signs from now on, the first one after `pause` seconds."""
        self.rest(pause)
        _watched[self.name] = self

    def end(self) -> None:
        """Expect no more signs."""
        if _watched.get(self.name) is self:
            del _watched[self.name]

    def rest(self, pause: float) -> None:
        """A turn has ended well; the next one begins after `pause` seconds."""
        self._last = time.monotonic()
        self._due = self._last + pause

    @contextmanager
    def working(self) -> Iterator[None]:
        """A turn of this thread: it may take its time, as long as there is a `beat` now and then.

        Raises what the turn raises.
        """
        _of_thread.pulse, self._is_working, before = self, True, self._due
        self._due = time.monotonic()
        try:
            yield
        except BaseException:
            self._due = before  # a turn that fails does not count
            raise
        finally:
            _of_thread.pulse, self._is_working = None, False

    def beat(self) -> None:
        self._due = time.monotonic()

    @property
    def age(self) -> float:
        """Seconds since the last turn that ended well."""
        return time.monotonic() - self._last

    @property
    def has_stalled(self) -> bool:
        allowed = self._working_seconds if self._is_working else LATE_SECONDS + self._retry_seconds
        return time.monotonic() - self._due > allowed


@dataclass
class _OfThread(threading.local):
    pulse: Pulse | None = None


_of_thread = _OfThread()
_watched: dict[str, Pulse] = {}


def beat() -> None:
    """A sign of life within a long turn of this thread; nothing in a thread that nobody watches."""
    if _of_thread.pulse is not None:
        _of_thread.pulse.beat()


def watched() -> list[Pulse]:
    """What runs in the background of this process, by name."""
    return sorted(_watched.values(), key=lambda pulse: pulse.name)


def stalled() -> list[Pulse]:
    """What should run in the background of this process, but has not for at least ten seconds."""
    return [pulse for pulse in watched() if pulse.has_stalled]
