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


class IdleConnections:
    """Those of this process that no thread uses. Any number of threads may take and give at once."""

    def __init__(self) -> None:
        self.most = 0
        self._all: deque[tuple[Any, tuple[int, int]]] = deque()
        """Each with the device and inode of the file that it was opened with."""

    def __len__(self) -> int:
        return len(self._all)

    def take(self, file: tuple[int, int] | None) -> Any | None:
        """One to this file, if there is any; those to others are closed."""
        while self._all:
            try:
                connection, opened = self._all.pop()
            except IndexError:  # another thread was faster
                break
            if opened == file:
                return connection
            connection.close()
        return None

    def give(self, connection: Any, file: tuple[int, int]) -> None:
        self._all.append((connection, file))

    def keep(self, most: int) -> None:
        """Keep up to `most` from now on."""
        self.most = most
        while len(self._all) > most:
            self._all.pop()[0].close()


idle = IdleConnections()


class SqliteWrapper(base.DatabaseWrapper):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._file: tuple[int, int] | None = None
        self._cursors: WeakSet[Any] = WeakSet()

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """One to the file that is there now: after a backup was restored, it is another one."""
        self._file = _identity(conn_params["database"])
        return idle.take(self._file) or super().get_new_connection(conn_params)

    def create_cursor(self, name: str | None = None) -> Any:
        cursor = super().create_cursor(name)
        self._cursors.add(cursor)
        return cursor

    def _close(self) -> None:
        cursors, self._cursors = list(self._cursors), WeakSet()
        is_clean = not (self.errors_occurred or self.in_atomic_block or self.connection.in_transaction)
        if is_clean and self._file and len(idle) < idle.most:
            for cursor in cursors:  # one that was not read to its end would hold on to what it saw
                cursor.close()
            idle.give(self.connection, self._file)
        else:
            with self.wrap_database_errors:
                self.connection.close()


DatabaseWrapper = SqliteWrapper  # the name that Django looks for


def keep_connections() -> None:
    """From now on, keep a few idle connections. Only web processes do, and they never fork."""
    idle.keep(KEPT)
    atexit.register(idle.keep, 0)


def _identity(name: str | Path) -> tuple[int, int] | None:
    try:
        status = os.stat(name)
    except OSError:  # it is in memory, or is not there yet
        return None
    return status.st_dev, status.st_ino
