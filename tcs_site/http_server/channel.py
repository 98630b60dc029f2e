"""One connection: how long each part of a request may take, and which bodies are read."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from twisted.internet.interfaces import ITCPTransport
from twisted.internet.threads import deferToThread
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel

from tcs_site.http_server import bodies, refusals
from tcs_site.http_server.permission import bearer_token, refused_upload, session_key
from tcs_site.http_server.refusals import EarlyRefusal

HEAD_SECONDS = 10.0
"""From connecting, or the first byte of a later request, to the end of its headers."""
IDLE_SECONDS = 60.0
"""between two requests"""
BODY_SECONDS = 30.0
SLOWEST = 32 * 2**10
"""bytes a second, for bodies that take longer than `BODY_SECONDS`"""
LINGER_SECONDS = 2.0
"""How long a refused client may go on sending: it finds the response only once it looks."""
LINGER_BYTES = 2**19
RECEIVED_UNREAD = 2**18
"""Bytes that the system keeps for a connection that is not read: enough for 5 MB a second over 100 ms."""
UNREAD_SECONDS = 60
"""until a connection ends whose client reads nothing of a response"""
LONGEST_HEAD = 256 * 1024
"""Bytes of a request's first line and headers. A query of 10,000 letters takes up to 120 KB in an address, and
Twisted refuses more than 16 KB."""


class LimitedChannel(HTTPChannel):
    """Twisted's HTTP/1.1, with deadlines that a trickle does not put off, and bodies refused by their head.

    What Twisted itself refuses with a 400: two lengths, a length beside chunks, and lengths that are not a number.
    """

    totalHeadersSize = MAX_LENGTH = LONGEST_HEAD
    # of the base class, whose types know only one of the values
    timeOut: Any
    requests: list[Any]
    transport: Any
    _path: Any
    _networkProducer: Any
    address = ""
    waits_since: float | None = None
    _between_requests = False
    _refused = False
    _passed_over = 0

    # --- as the registry of connections sees it ---------------------------------------------------------------
    def is_open(self) -> bool:
        """Also after it has become a WebSocket, whose end this object does not learn of."""
        return self.transport is None or bool(getattr(self.transport, "connected", False))

    def end(self) -> None:
        self.transport.abortConnection()

    # --- deadlines ----------------------------------------------------------------------------------------------
    def connectionMade(self) -> None:
        self.timeOut = HEAD_SECONDS
        self.waits_since = time.monotonic()
        super().connectionMade()
        if ITCPTransport.providedBy(self.transport):
            handle = self.transport.getHandle()
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_UNREAD)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_SECONDS * 1000)

    def dataReceived(self, data: bytes) -> None:
        if data and self._between_requests:
            self._between_requests = False
            self.setTimeout(HEAD_SECONDS)
        LineReceiver.dataReceived(self, data)  # HTTPChannel's would start the timeout again with every byte

    def timeoutConnection(self) -> None:
        if self._refused:
            self.transport.abortConnection()
        elif self.waits_since is None:  # in the middle of a body
            self.refuse(refusals.TOO_SLOW)
        else:
            super().timeoutConnection()

    def requestDone(self, request: Any) -> None:
        self._between_requests = True  # first: the base class may find the next request in what has arrived already
        self.waits_since = time.monotonic()
        super().requestDone(request)

    def checkPersistence(self, request: Any, version: bytes) -> bool:
        if self.factory.is_draining:
            request.responseHeaders.setRawHeaders(b"Connection", [b"close"])
            return False
        return bool(super().checkPersistence(request, version))

    # --- heads --------------------------------------------------------------------------------------------------
    def lineReceived(self, line: bytes) -> None:
        if line[:1] in (b" ", b"\t"):  # a header on two lines, which servers and proxies read differently
            self._respondToBadRequestAndDisconnect()
        else:
            super().lineReceived(line)

    def headerReceived(self, line: bytes) -> bool:
        try:
            return bool(super().headerReceived(line))
        except ValueError:  # a length of thousands of digits
            self._respondToBadRequestAndDisconnect()
            return False

    def allHeadersReceived(self) -> None:
        self.waits_since = None
        head = self._head()
        refusal = bodies.refusal(head)
        if refusal is not None:
            self.refuse(refusal)
        elif head.is_import:
            self._ask_for_permission(["experts.import"])
        elif head.has_attachments:
            self._ask_for_permission(["experts.add_expert", "experts.change_expert"])
        elif head.is_document or head.is_photo:
            self._ask_for_permission(["experts.change_expert"])
        elif not self.factory.budget.take(head.length):
            self.refuse(refusals.BUSY)
        else:
            self.requests[-1].taken = head.length
            self._receive_body()

    def _head(self) -> bodies.Head:
        request = self.requests[-1]
        root = request.getHeader(b"Daphne-Root-Path") or self.factory.server.root_path.encode()
        return bodies.Head(
            self._command,
            self._path.partition(b"?")[0].removeprefix(root),
            self.length or 0,
            request.requestHeaders.hasHeader(b"Transfer-Encoding"),
            request.getHeader(b"Content-Type") or b"",
        )

    def _ask_for_permission(self, rights: Sequence[str]) -> None:
        """Read nothing more until the database has said whether the user may upload."""
        request = self.requests[-1]
        key = session_key((request.getHeader(b"Cookie") or b"").decode("latin-1"))
        of_api = self._head().path.startswith(b"/api/")
        given = request.getHeader(b"Authorization") or b"" if of_api else b""
        token = bearer_token(given.decode("latin-1"))
        if not key and not token:
            self.refuse(refusals.NOT_ALLOWED)
            return
        self.setTimeout(None)
        self.paused = True
        self._networkProducer.pauseProducing()
        deferToThread(refused_upload, key, token, rights).addCallbacks(self._answered, self._not_answered)

    def _answered(self, refusal: EarlyRefusal | None) -> None:
        if not self.is_open():
            return
        self.paused = False
        if refusal is None:
            self.requests[-1].is_import = self._head().is_import
            self._receive_body()
        else:
            self.refuse(refusal)
        self._networkProducer.resumeProducing()
        self.dataReceived(b"")  # goes on with what has arrived meanwhile

    def _not_answered(self, failure: Failure) -> None:
        self._log.failure("Permission for an upload", failure)
        self._answered(EarlyRefusal(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong on the server."))

    # --- bodies -------------------------------------------------------------------------------------------------
    def _receive_body(self) -> None:
        self.setTimeout(BODY_SECONDS + (self.length or 0) / SLOWEST)
        try:
            super().allHeadersReceived()  # opens the file for the body
        except OSError:
            self.refuse(refusals.NOT_STORED)

    def rawDataReceived(self, data: bytes) -> None:
        if not self._refused:
            super().rawDataReceived(data)
            return
        self._passed_over += len(data)
        if self._passed_over > LINGER_BYTES:
            self._networkProducer.pauseProducing()

    def allContentReceived(self) -> None:
        if not self._refused:
            self.setTimeout(IDLE_SECONDS)  # the base class stops it, and starts it again after the response
            super().allContentReceived()

    def refuse(self, refusal: EarlyRefusal) -> None:
        """Respond, and say that nothing more is read. The connection ends soon, whatever the client does."""
        if self._refused:
            return
        self._refused = True
        self.length = None  # so that the base class waits for a body, which is passed over
        language = self.requests[-1].getHeader(b"Accept-Language") or b""
        as_json = self._path.startswith(b"/api/")
        self.transport.write(refusal.response(as_json=as_json, accept_language=language.decode("latin-1")))
        self.setTimeout(LINGER_SECONDS)
        self.transport.loseWriteConnection()
