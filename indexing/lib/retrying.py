"""Waiting for a database that is locked or away for a while, instead of losing hours of work to it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)
T = TypeVar("T")

PATIENCE_SECONDS = 120.0


def with_database_retry(work: Callable[[], T]) -> T:
    """What `work` returns; tried again for two minutes while the database cannot be reached.

    `work` must be one transaction or harmless to repeat. Not for use inside a transaction.
    """
    give_up = time.monotonic() + PATIENCE_SECONDS
    pause = 0.1
    while True:
        try:
            return work()
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block or time.monotonic() > give_up:
                raise
            logger.warning("The database does not answer (%s); trying again.", error)
            connection.close()
            time.sleep(pause)
            pause = min(pause * 2, 2.0)
