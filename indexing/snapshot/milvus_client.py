"""The connection to a Milvus server: whatever goes wrong with it is one error, and it is made again afterwards."""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from indexing.errors import VectorsUnavailable
from indexing.lib.messages import Message, message

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 4.0
"""How long a search waits for Milvus."""
AWAY_SECONDS = 2.0
"""How long nobody tries again after Milvus did not answer: the searches of that time need not wait for it."""
COLLECTION_NOT_FOUND, COLLECTION_NOT_LOADED = 100, 101
"""Codes of Milvus' errors."""
ANSWERED = range(3, 2_000)
"""Codes with which a server says what is wrong with a request; others are those of the connection."""


CLOSED = "closed channel"
"""Of gRPC's ValueError, for a call on a connection that another thread has closed."""


class MilvusConnection:
    """One client for each process, made when it is first needed; safe for any number of threads."""

    def __init__(self, uri: str, token: str) -> None:
        self.uri, self._token = uri, token
        self._client: Any = None
        self._process = 0
        self._away_until = 0.0
        self._away_because: Message | str = ""
        """Empty while it answers."""
        self._lock = threading.Lock()
        self._connecting = threading.Lock()

    @property
    def host(self) -> str:
        """The address without a password."""
        parts = urlsplit(self.uri)
        return parts.netloc.rpartition("@")[2] or self.uri

    def call(self, name: str, *args: Any, timeout: float = ANSWER_SECONDS, **options: Any) -> Any:
        """What the method `name` of pymilvus' MilvusClient returns.

        Raises VectorsUnavailable, at once within AWAY_SECONDS after Milvus did not answer. A call that makes no sense
        raises what pymilvus or Python raises: that is our mistake, not an outage.
        """
        client = self._connected()
        method = getattr(client, name)
        began = time.monotonic()
        try:
            return method(*args, timeout=timeout, **options)
        except Exception as error:
            if client is self._client and not _is_outage(error):
                raise error.__cause__ or error from None
            raise self._failed(client, error, time.monotonic() - began >= timeout) from error

    def unavailable(self, why: Message | str, code: int | None = None) -> VectorsUnavailable:
        """The error to raise; `code` is that of Milvus."""
        why = why if isinstance(why, Message) else why.rstrip(".") + "."
        sentence = message("Milvus (%(host)s) cannot be searched: %(why)s", host=self.host, why=why)
        error = VectorsUnavailable(sentence)
        error.code = code
        return error

    def _failed(self, client: Any, error: Exception, is_late: bool) -> VectorsUnavailable:
        code = getattr(error, "code", None)
        if isinstance(code, int) and code in ANSWERED and not is_late:
            return self.unavailable(_why(error), int(code))
        return self._gone(client, _why(error))

    def _gone(self, client: Any, why: Message | str) -> VectorsUnavailable:
        """Forget this connection, and try no other for a while."""
        with self._lock:
            if client is not self._client:  # another thread has done so
                return self.unavailable(self._away_because or why)
            if not self._away_because:
                logger.warning("Milvus (%s) does not answer: %s", self.host, why)
            self._client, self._away_because = None, why
            self._away_until = time.monotonic() + AWAY_SECONDS
        if client is not None:
            client.close()
        return self.unavailable(why)

    def _connected(self) -> Any:
        client = self._client
        if client is not None and self._process == os.getpid():  # a fork has no connection
            return client
        if not self._connecting.acquire(blocking=not self._away_because):
            raise self.unavailable(self._away_because)  # somebody is trying: that takes seconds, and fails mostly
        try:
            return self._reconnected()
        finally:
            self._connecting.release()

    def _reconnected(self) -> Any:
        if self._client is not None and self._process == os.getpid():
            return self._client
        if time.monotonic() < self._away_until:
            raise self.unavailable(self._away_because)
        self._client, self._process = None, os.getpid()
        try:
            client = _client(self.uri, self._token)
        except ImportError as error:
            why = "pymilvus is not installed. Run pip install -r requirements-milvus.txt"
            raise self._gone(None, why) from error
        except Exception as error:
            if not _is_outage(error):
                raise
            raise self._gone(None, _why(error)) from error
        self._client, self._away_because = client, ""
        return client


def _client(uri: str, token: str) -> Any:
    from pymilvus import MilvusClient  # noqa: PLC0415  half a second, and few need it

    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs a traceback for each error that it raises
    return MilvusClient(uri=uri, token=token, timeout=ANSWER_SECONDS, dedicated=True)


def _is_outage(error: Exception) -> bool:
    """Whether Milvus did not answer, or refused; otherwise a call was wrong.

    pymilvus raises MilvusException for what the server says, and for whatever else was raised within it, with that
    as its cause; gRPC's errors come out as they are. ParamError and its like are checks before anything is sent.
    """
    import grpc  # noqa: PLC0415  comes with pymilvus
    from pymilvus import MilvusException  # noqa: PLC0415
    from pymilvus import exceptions as known  # noqa: PLC0415

    network = (grpc.RpcError, grpc.FutureTimeoutError, OSError)
    checks = (known.ParamError, known.DataNotMatchException, known.PrimaryKeyException)
    if isinstance(error, network):
        return True
    if not isinstance(error, MilvusException) or isinstance(error, checks):
        return False
    cause = error.__cause__
    return cause is None or isinstance(cause, (*network, MilvusException)) or CLOSED in str(cause)


def _why(error: Exception) -> Message | str:
    """Why Milvus cannot be used, as the end of a sentence. pymilvus has one text for all that goes wrong at first."""
    import grpc  # noqa: PLC0415  comes with pymilvus

    for each in (error, error.__cause__):
        if isinstance(each, grpc.RpcError):
            if each.code() == grpc.StatusCode.UNAVAILABLE:
                return message("it does not answer.")
            if each.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
                return message("it did not answer in time.")
            if each.code() == grpc.StatusCode.UNAUTHENTICATED:
                return message("it does not let TCS in: check TCS_MILVUS_TOKEN.")
            return str(each.details())
    return str(getattr(error, "message", "") or error) or type(error).__name__
