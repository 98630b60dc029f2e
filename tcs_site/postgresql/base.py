"""Connections to PostgreSQL, from Django's pool once `pooling.begin` was called. Django finds this module by name.

Alone, the pool lets everybody wait until their time is up while the database is away, and then says only that. Here a
database that is away or full fails at once, and in its own words, as it does without a pool.
"""

from __future__ import annotations

import gc
import time
from collections import deque
from threading import Lock
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool, PoolTimeout

PATIENCE = 10.0
"""Seconds that a request waits for its turn while all connections are in use."""
STANDSTILL = 120.0
"""Seconds that a transaction may do nothing. A process that is stopped in one, as when its machine is paused, keeps
its locks, and all others would wait for it."""


class Knocking:
    """Connects directly, to hear what the database says. One thread at a time, so that it takes one connection."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._failures = 0
        self._said = ""

    def knock(self, parameters: dict[str, Any]) -> None:
        """Raises psycopg.OperationalError, also where another thread failed while this one waited."""
        failures = self._failures
        with self._lock:
            if failures != self._failures:
                raise psycopg.OperationalError(self._said)
            try:
                psycopg.connect(**parameters).close()
            except psycopg.OperationalError as error:
                self._failures += 1
                self._said = str(error)
                raise


_knocking = Knocking()
_left_behind: deque[Any] = deque()
"""Connections of threads that ended without closing them: their places in the pool would be lost."""


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> psycopg.Connection[Any]:
        """One that works. Raises psycopg.OperationalError with the database's own words, or that all are in use."""
        give_up = time.monotonic() + PATIENCE
        while (pool := self.pool) is not None:
            put_back()
            if not pool.get_stats()["pool_size"]:
                _knocking.knock(conn_params)
            try:
                connection = super().get_new_connection(conn_params)
            except PoolTimeout:
                gc.collect()  # finds what was left behind
                if _left_behind or time.monotonic() < give_up:
                    continue
                _knocking.knock(conn_params)
                why = f"all {pool.max_size} connections of this process are in use"
                raise psycopg.OperationalError(why) from None
            if works(connection):
                return connection
            pool.putconn(connection)
            _knocking.knock(conn_params)
            pool.check()  # the others that are idle: they broke, too
        return super().get_new_connection(conn_params)

    def _configure_connection(self, connection: psycopg.Connection[Any]) -> bool:
        super()._configure_connection(connection)  # type: ignore[misc]
        # Not as an option of the connection, which poolers such as PgBouncer refuse.
        connection.execute(f"SET idle_in_transaction_session_timeout = {int(STANDSTILL * 1000)}")
        return True  # it has to be committed

    def __del__(self) -> None:
        # Only noted: garbage is collected anywhere, even where this thread holds the pool's lock.
        connection = getattr(self, "connection", None)
        if connection is not None and getattr(connection, "_pool", None) is not None:
            _left_behind.append(connection)


def put_back() -> None:
    while _left_behind:
        connection = _left_behind.popleft()
        connection._pool.putconn(connection)  # as Django does


def works(connection: psycopg.Connection[Any]) -> bool:
    """Whether it did not break while it was idle."""
    try:
        ConnectionPool.check_connection(connection)
    except psycopg.OperationalError:
        return False
    return True
