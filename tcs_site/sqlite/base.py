"""Connections to SQLite that are used again, once `keep_connections` was called. Django finds this module by name.

Each request has a thread of its own, and Django a connection for each thread. To open one takes 1.1 ms of processor
time, as long as forty short queries: the schema is read, and 50 functions of Django's are registered.
"""

from __future__ import annotations

import atexit
import os
from collections import deque
from pathlib import Path
from typing import Any
from weakref import WeakSet

from django.db.backends.sqlite3 import base

KEPT = 8
"""Connections that a process keeps while nobody needs them: more requests at once open their own."""

_idle: deque[tuple[Any, tuple[int, int]]] = deque()
"""Each with the device and inode of the file that it was opened with."""
_most = 0


class SqliteWrapper(base.DatabaseWrapper):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._file: tuple[int, int] | None = None
        self._cursors: WeakSet[Any] = WeakSet()

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """One to the file that is there now: after a backup was restored, it is another one."""
        self._file = _identity(conn_params["database"])
        while _idle:
            try:
                connection, file = _idle.pop()
            except IndexError:  # another thread was faster
                break
            if file == self._file:
                return connection
            connection.close()
        return super().get_new_connection(conn_params)

    def create_cursor(self, name: str | None = None) -> Any:
        cursor = super().create_cursor(name)
        self._cursors.add(cursor)
        return cursor

    def _close(self) -> None:
        cursors, self._cursors = list(self._cursors), WeakSet()
        is_clean = not (self.errors_occurred or self.in_atomic_block or self.connection.in_transaction)
        if is_clean and self._file and len(_idle) < _most:
            for cursor in cursors:  # one that was not read to its end would hold on to what it saw
                cursor.close()
            _idle.append((self.connection, self._file))
        else:
            with self.wrap_database_errors:
                self.connection.close()


DatabaseWrapper = SqliteWrapper  # the name that Django looks for


def keep_connections(most: int = KEPT) -> None:
    """From now on, keep up to `most` idle connections. Only web processes do, and they never fork."""
    global _most
    if not _most:
        atexit.register(keep_connections, 0)
    _most = most
    while len(_idle) > most:
        _idle.pop()[0].close()


def _identity(name: str | Path) -> tuple[int, int] | None:
    try:
        status = os.stat(name)
    except OSError:  # it is in memory, or is not there yet
        return None
    return status.st_dev, status.st_ino
