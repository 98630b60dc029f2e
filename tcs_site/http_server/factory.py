"""Makes the connections of daphne, with limits, and takes the place of daphne's own factory."""

from __future__ import annotations

import sys
from typing import Any

from daphne.http_protocol import HTTPFactory
from django.conf import settings

from experts.importing.received import remove_left_over_bodies
from indexing.lib.addresses import one_caller
from tcs_site.http_server.bodies import Budget
from tcs_site.http_server.channel import LimitedChannel
from tcs_site.http_server.connections import Connections, descriptors_for_connections
from tcs_site.http_server.request import LimitedRequest


class LimitedFactory(HTTPFactory):
    """Daphne's factory. HTTP/2 is not offered: the limits are those of HTTP/1.1."""

    protocol = LimitedChannel

    def __init__(self, server: Any) -> None:
        super().__init__(server)
        remove_left_over_bodies()
        self.budget = Budget()
        self.is_draining = False
        """Connections end with the next response."""
        self.connections = Connections(
            min(settings.TCS_MAX_CONNECTIONS, descriptors_for_connections()),
            settings.TCS_MAX_CONNECTIONS_PER_ADDRESS,
            behind_proxy=bool(settings.TRUSTED_ORIGINS),
        )

    def buildProtocol(self, addr: Any) -> LimitedChannel | None:
        """A connection; None, which closes it at once, if there is no room for one more."""
        address = one_caller(getattr(addr, "host", ""))
        if not self.connections.have_room_for(address):
            return None
        channel: LimitedChannel = super().buildProtocol(addr)
        channel.requestFactory = LimitedRequest
        channel.address = address
        self.connections.add(channel)
        return channel

    def acceptableProtocols(self) -> list[bytes]:
        return [b"http/1.1"]


def install() -> None:
    """Let daphne use this factory. Called while daphne loads the application, which is before it makes its own.

    Without effect under another server.
    """
    daphne: Any = sys.modules.get("daphne.server")
    if daphne is not None:
        daphne.HTTPFactory = LimitedFactory
