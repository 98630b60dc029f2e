"""A web process's end of the connection to its supervisor."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from tcs_site.http_server.draining import Listening
from tcs_site.web_processes.process import ACCEPTS, CONTROL, FINISH, WHEN_READY

LOOK_SECONDS = 0.1
LONGEST_SECONDS = 60.0
"""Then it accepts connections although it is not ready, for example because the database is away: nobody else may be
left to say so."""


def begin(is_ready: Callable[[], bool]) -> None:
    """Accept connections, and say so to the supervisor, now or once ready. Nothing for a process that has none.

    Called when the reactor runs.
    """
    descriptor = os.environ.pop(CONTROL, "")
    waits = bool(os.environ.pop(WHEN_READY, ""))
    if descriptor:
        os.set_inheritable(int(descriptor), False)
        reactor = sys.modules["twisted.internet.reactor"]  # daphne's: it is not ours to choose one
        _Supervised(reactor, socket.socket(fileno=int(descriptor)), is_ready).begin(waits)


class _Supervised:
    """Listens to the supervisor, as the reactor's reader."""

    def __init__(self, reactor: Any, connection: socket.socket, is_ready: Callable[[], bool]) -> None:
        self._reactor = reactor
        self._connection = connection
        self._listening = Listening(reactor)
        self._is_ready = is_ready
        self._began = time.monotonic()

    def begin(self, waits: bool) -> None:
        self._reactor.addReader(self)
        if waits:
            self._listening.pause()
            self._accept_once_ready()
        else:
            self._connection.send(ACCEPTS)

    def _accept_once_ready(self) -> None:
        if self._is_ready() or time.monotonic() - self._began > LONGEST_SECONDS:
            self._listening.resume()
            self._connection.send(ACCEPTS)
        else:
            self._reactor.callLater(LOOK_SECONDS, self._accept_once_ready)

    # --- as the reactor sees it -------------------------------------------------------------------------------
    def fileno(self) -> int:
        return self._connection.fileno()

    def logPrefix(self) -> str:
        return "supervisor"

    def doRead(self) -> None:
        said = self._connection.recv(1)
        if said == FINISH:
            self._listening.drain()
        elif not said:  # the supervisor has ended
            self._reactor.removeReader(self)
            self._reactor.stop()

    def connectionLost(self, _reason: object) -> None:
        self._connection.close()
