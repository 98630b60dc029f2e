"""Keeps the web processes running, and replaces them one after another on request."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

from tcs_site.supervising import Pauses, ProcessGroup
from tcs_site.web_processes.process import WebProcess

LOOK_SECONDS = 0.1
FINISH_SECONDS = 40.0
"""How long a process that is being replaced may take to answer what it has been asked."""
READY_SECONDS = 120.0
"""How long its successor may take until it accepts connections."""


class NeverServed(Exception):  # noqa: N818  the message says how it ended
    """The first web process ended before it accepted a connection."""


class Supervisor:
    """`count` processes that accept connections from one socket."""

    def __init__(
        self,
        group: ProcessGroup,
        listening: socket.socket,
        count: int,
        *,
        greet: Callable[[], None],
        complain: Callable[[str], None],
        prepare: Callable[[], dict[str, str]],
    ) -> None:
        """`greet` is called once, when the first process accepts connections. `prepare` is called before they start,
        and again before all are replaced; it returns what is put into their environment.
        """
        self._group = group
        self._listening = listening
        self._greet = greet
        self._complain = complain
        self._prepare = prepare
        self._environment: dict[str, str] = {}
        self._places = [_Place() for _ in range(count)]
        self._has_served = False
        self._replacing: Iterator[None] | None = None
        self._asked_to_replace = False

    def replace_all(self) -> None:
        """Replace every process, one after another; no request is refused. May be called by a signal's handler."""
        self._asked_to_replace = True

    def run(self) -> None:
        """Serve until an exception ends it, such as one that a signal raises. Raises NeverServed."""
        self._environment = self._prepare()
        while True:
            self._look()
            time.sleep(LOOK_SECONDS)

    def _look(self) -> None:
        for place in self._places:
            self._look_after(place)
        if self._asked_to_replace and self._replacing is None:
            self._asked_to_replace = False
            self._replacing = self._replace_each()
        if self._replacing is not None and next(self._replacing, self) is self:
            self._replacing = None

    def _look_after(self, place: _Place) -> None:
        """Start the process of this place if it is time to, and notice that it serves or has ended."""
        process = place.process
        if process is None:
            if time.monotonic() >= place.due:
                place.process = self._start()
        elif process.accepts and not self._has_served:
            self._has_served = True
            self._greet()
        elif process.has_ended:
            if not self._has_served:
                raise NeverServed(process.ending)
            pause = place.pauses.after(time.monotonic() - process.began)
            place.process, place.due = None, time.monotonic() + pause
            process.forget()
            self._complain(
                f"A web process stopped unexpectedly ({process.ending}). Starting it again in {pause:.0f} s. "
                f"{self._others()}A build that is running continues."
            )

    def _others(self) -> str:
        return "The others go on. " if self._any_runs() else ""

    def _any_runs(self) -> bool:
        return any(place.process is not None and not place.process.has_ended for place in self._places)

    def _start(self) -> WebProcess:
        """One that has nobody beside it accepts connections at once: a page that says what it waits for."""
        return WebProcess(self._group, self._listening, when_ready=self._any_runs(), **self._environment)

    def _replace_each(self) -> Iterator[None]:
        """Yields while it waits."""
        self._environment = self._prepare()
        for place in self._places:
            if place.process is None:  # it is started again in any case
                continue
            successor = self._start()
            give_up = time.monotonic() + READY_SECONDS
            while not (successor.accepts or successor.has_ended or time.monotonic() > give_up):
                yield
            if not successor.accepts:
                successor.kill()
                self._complain(
                    f"The new web process did not start ({successor.ending}). The restart ends here; "
                    "the processes that were running serve on."
                )
                successor.forget()
                return
            before, place.process = place.process, successor
            if before is not None:  # or it has ended meanwhile
                yield from self._let_finish(before)

    def _let_finish(self, process: WebProcess) -> Iterator[None]:
        process.finish()
        give_up = time.monotonic() + FINISH_SECONDS
        while not process.has_ended and time.monotonic() < give_up:
            yield
        process.kill()
        process.forget()


class _Place:
    """One of the processes that there should be."""

    def __init__(self) -> None:
        self.process: WebProcess | None = None
        self.due = 0.0
        """When to start it, by the monotonic clock, if there is none."""
        self.pauses = Pauses()
