"""Retry while the database is locked or away, instead of losing hours of work."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

from indexing.lib.messages import message

logger = logging.getLogger(__name__)
T = TypeVar("T")

RETRY_FOR_SECONDS = 120.0


def with_database_retry(work: Callable[[], T]) -> T:
    """Return what `work` returns, calling it again for up to two minutes while the database is away.

    `work` must be one transaction, or harmless to repeat. Inside a transaction nothing is retried. Raises
    OperationalError or InterfaceError when the time is up, and whatever else `work` raises.
    """
    give_up = time.monotonic() + RETRY_FOR_SECONDS
    pause = 0.1
    while True:
        try:
            return work()
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block or time.monotonic() > give_up:
                raise
            logger.warning(message("The database does not answer (%(error)s). Trying again.", error=error))
            connection.close()
            time.sleep(pause)
            pause = min(pause * 2, 2.0)
