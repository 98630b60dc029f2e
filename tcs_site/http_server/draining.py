"""How a server ends without refusing anybody: it accepts no more connections, and answers what it has been asked.

A browser may send its next request on a connection that it kept open, at the very moment that this is closed. So such
connections stay for a moment, and what is asked on them is answered with `Connection: close`.
"""

from __future__ import annotations

import time
from typing import Any

from twisted.internet.tcp import Port

from tcs_site.http_server.factory import LimitedFactory

KEPT_SECONDS = 3.0
"""How long an idle connection stays."""
LOOK_SECONDS = 0.1


class OneByOne(Port):
    """Accepts one connection at a time, so that a process does not take all that arrive at one moment."""

    numberAccepts: Any = property(lambda _self: 1, lambda _self, _many: None)


class Listening:
    """The port of this process, which may be shared with others."""

    def __init__(self, reactor: Any) -> None:
        """Of a reactor that runs."""
        self._reactor = reactor
        self._ports = [each for each in reactor.getReaders() if isinstance(each, Port)]
        self._factories = [each.factory for each in self._ports if isinstance(each.factory, LimitedFactory)]
        for port in self._ports:
            port.__class__ = OneByOne

    def pause(self) -> None:
        """Leave new connections to other processes, or waiting."""
        for port in self._ports:
            port.stopReading()

    def resume(self) -> None:
        for port in self._ports:
            port.startReading()

    def drain(self) -> None:
        """Accept nothing more, and stop the reactor once everything is answered."""
        self.pause()
        for factory in self._factories:
            factory.is_draining = True
        self._end_idle(time.monotonic())

    def _end_idle(self, began: float) -> None:
        is_empty = True
        for factory in self._factories:
            for protocol in list(factory.server.connections):
                if getattr(protocol, "application_type", "") == "websocket":  # a request has no type
                    protocol.dropConnection()  # pages connect again
            for connection in factory.connections.still_open():
                is_empty = False
                since = connection.waits_since
                if since is not None and time.monotonic() - max(since, began) > KEPT_SECONDS:
                    connection.end()
        if is_empty:
            self._reactor.stop()
        else:
            self._reactor.callLater(LOOK_SECONDS, self._end_idle, began)
