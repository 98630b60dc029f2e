"""Lets this process take its connections to PostgreSQL from a pool. Only web processes do, and they never fork."""

from __future__ import annotations

import atexit
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections

WAIT_SECONDS = 2.0
"""How long a thread waits in the pool's queue before `base.DatabaseWrapper` looks why it takes so long."""
IDLE_SECONDS = 60.0


def begin(size: int) -> None:
    """From now on, use at most `size` connections at once; 0: one for each thread, as everywhere else.

    Call it before other threads use the database. Nothing happens on SQLite.
    """
    if connection.vendor != "postgresql" or not size:
        return
    connection.close()
    connections.settings[DEFAULT_DB_ALIAS]["OPTIONS"]["pool"] = options(size)  # one dictionary for all threads
    engine: Any = connection  # its stub is the one of all engines
    atexit.register(engine.close_pool)


def options(size: int) -> dict[str, Any]:
    """The arguments of the pool."""
    return {
        "name": "database",
        "min_size": 0,
        "max_size": size,
        "timeout": WAIT_SECONDS,
        "max_idle": IDLE_SECONDS,
        "reconnect_timeout": 0.0,  # who asks next tries again
        "num_workers": 1,
    }
