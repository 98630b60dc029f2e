"""One request: its body in memory or in a file, unparsed, until Django reads it."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from daphne.http_protocol import WebRequest

from experts.importing.received import ReceivedBody, received
from tcs_site.http_server import refusals


class LimitedRequest(WebRequest):
    """Daphne's request, without Twisted's parsing of forms and addresses, which takes the event loop's time."""

    content: Any
    args: dict[bytes, list[bytes]]
    is_import = False
    """The body is a file to import, from a user who may do that."""
    taken = 0
    """bytes of the budget for bodies"""

    def gotLength(self, length: int | None) -> None:
        if self.is_import:
            self.content = ReceivedBody()
        else:
            super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:
        try:
            super().handleContentChunk(data)
        except OSError:  # no space left
            self.channel.refuse(refusals.NOT_STORED)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """All has arrived. Replaces Twisted's own, which parses forms and queries into `args`; nobody reads those."""
        self.method, self.uri, self.clientproto = command, path, version
        self.path = path.partition(b"?")[0]
        self.args = {}
        self.process()

    def process(self) -> Any:
        """Start the application. It finds the body of an upload in `received`, and owns it from then on."""
        if not isinstance(self.content, ReceivedBody):
            self.content.seek(0)
            return super().process()
        body, self.content = self.content, BytesIO()
        token = received.set(body)
        try:
            return super().process()
        finally:
            received.reset(token)
            if self.application_queue is None:  # refused for its headers
                body.close()

    def finish(self) -> None:
        self._give_back()
        super().finish()

    def connectionLost(self, reason: Any) -> None:
        self._give_back()
        super().connectionLost(reason)

    def _give_back(self) -> None:
        self.server.http_factory.budget.give_back(self.taken)
        self.taken = 0
