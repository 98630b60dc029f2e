"""The connection to a Milvus server: whatever goes wrong with it is one error, and it is made again afterwards."""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from indexing.errors import VectorsUnavailable
from indexing.lib.messages import message

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 4.0
"""How long a search waits for Milvus."""
AWAY_SECONDS = 2.0
"""How long nobody tries again after Milvus did not answer: the searches of that time need not wait for it."""
COLLECTION_NOT_FOUND, COLLECTION_NOT_LOADED = 100, 101
"""Codes of Milvus' errors."""
ANSWERED = range(3, 2_000)
"""Codes with which a server says what is wrong with a request; others are those of the connection."""


class MilvusConnection:
    """One client for each process, made when it is first needed; safe for any number of threads."""

    def __init__(self, uri: str, token: str) -> None:
        self.uri, self._token = uri, token
        self._client: Any = None
        self._process = 0
        self._away_until = 0.0
        self._away_because = ""
        self._lock = threading.Lock()

    @property
    def host(self) -> str:
        """The address without a password."""
        parts = urlsplit(self.uri)
        return parts.netloc.rpartition("@")[2] or self.uri

    def call(self, name: str, *args: Any, timeout: float = ANSWER_SECONDS, **options: Any) -> Any:
        """What the method `name` of pymilvus' MilvusClient returns.

        Raises VectorsUnavailable, at once within AWAY_SECONDS after Milvus did not answer.
        """
        client = self._connected()
        began = time.monotonic()
        try:
            return getattr(client, name)(*args, timeout=timeout, **options)
        except Exception as error:  # noqa: BLE001  pymilvus lets gRPC's errors and many of its own out
            code = getattr(error, "code", None)
            sentence = str(getattr(error, "message", "") or error) or type(error).__name__
            raise self._failed(code, sentence, time.monotonic() - began >= timeout) from error

    def unavailable(self, why: str, code: int | None = None) -> VectorsUnavailable:
        """The error to raise; `code` is that of Milvus."""
        sentence = message("Milvus (%(host)s) cannot be searched: %(why)s", host=self.host, why=why.rstrip(".") + ".")
        error = VectorsUnavailable(sentence)
        error.code = code
        return error

    def _failed(self, code: object, why: str, is_late: bool) -> VectorsUnavailable:
        if isinstance(code, int) and code in ANSWERED and not is_late:
            return self.unavailable(why, int(code))
        with self._lock:
            return self._gone(why)

    def _gone(self, why: str) -> VectorsUnavailable:
        """Forget the connection, and try no other for a while. Call it with the lock held."""
        if time.monotonic() >= self._away_until:
            logger.warning("Milvus (%s) does not answer: %s", self.host, why)
        client, self._client = self._client, None
        self._away_because, self._away_until = why, time.monotonic() + AWAY_SECONDS
        with suppress(Exception):
            if client is not None:
                client.close()
        return self.unavailable(why)

    def _connected(self) -> Any:
        with self._lock:
            if self._client is not None and self._process == os.getpid():  # a fork has no connection
                return self._client
            if time.monotonic() < self._away_until:
                raise self.unavailable(self._away_because)
            self._client, self._process = None, os.getpid()
            try:
                self._client = _client(self.uri, self._token)
            except Exception as error:  # noqa: BLE001  as in `call`
                raise self._gone(str(getattr(error, "message", "") or error)) from error
            return self._client


def _client(uri: str, token: str) -> Any:
    try:
        from pymilvus import MilvusClient  # noqa: PLC0415  half a second, and few need it
    except ImportError as error:
        raise RuntimeError("pymilvus is not installed: pip install -r requirements-milvus.txt") from error
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it logs a traceback for each error that it raises
    return MilvusClient(uri=uri, token=token, timeout=ANSWER_SECONDS, dedicated=True)
