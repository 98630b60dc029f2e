"""Django's SQLite, with connections that outlive a request.

Under ASGI each request has a thread of its own, so that Django's persistent connections never meet a second request.
Opening one takes 1.5 ms, a fifth of a search: the file, its journal, Django's functions, the schema. So a connection
that is closed in good order is kept for whoever opens the next one.
"""

from __future__ import annotations

import atexit
import os
import sqlite3
from collections import deque
from typing import Any
from weakref import WeakSet

from django.db.backends.sqlite3 import base

KEPT = 8
"""Connections that wait for their next use; each may hold 2 MB of pages."""

Identity = tuple[int, int]
"""Of a file: its device and its number there."""

_idle: deque[tuple[Identity, sqlite3.Connection]] = deque()
"""The one used last at the end."""


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._cursors: WeakSet[sqlite3.Cursor] = WeakSet()
        self._identity: Identity | None = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> sqlite3.Connection:
        """One of those that wait, if it is of the file that lies there now; else a new one."""
        self._identity = _identity(conn_params["database"])
        while self._identity and (kept := _take()):
            of, connection = kept
            if of == self._identity:
                return connection
            connection.close()
        opened: sqlite3.Connection = super().get_new_connection(conn_params)
        return opened

    def create_cursor(self, name: str | None = None) -> sqlite3.Cursor:
        cursor: sqlite3.Cursor = super().create_cursor(name)
        self._cursors.add(cursor)
        return cursor

    def _close(self) -> None:
        """Keep the connection, unless something went wrong on it or it is still within a transaction."""
        connection = self.connection
        cursors, self._cursors = list(self._cursors), WeakSet()
        if connection is None or self._identity is None or self.errors_occurred or connection.in_transaction:
            super()._close()  # type: ignore[misc]  # left out of the stubs
            return
        for cursor in cursors:  # one that nobody read to its end would hold the next one to its moment
            cursor.close()
        _idle.append((self._identity, connection))
        close_idle(KEPT)


def close_idle(all_but: int = 0) -> None:
    """The oldest first. The last connection to a file that is closed writes the journal back and removes it."""
    while len(_idle) > all_but and (kept := _take(oldest=True)):
        kept[1].close()


def _take(*, oldest: bool = False) -> tuple[Identity, sqlite3.Connection] | None:
    try:
        return _idle.popleft() if oldest else _idle.pop()
    except IndexError:  # another thread was faster
        return None


def _identity(path: Any) -> Identity | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


atexit.register(close_idle)
os.register_at_fork(before=close_idle)  # SQLite forbids to use, or even to close, what another process has opened
