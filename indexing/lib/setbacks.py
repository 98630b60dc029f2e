"""What background work does about turns that fail: it logs each kind once, pauses, and goes on."""

from __future__ import annotations

import logging
import time
from contextlib import suppress

from django.db import DatabaseError, InterfaceError

LONGEST_PAUSE = 5.0
"""Unless the first pause is longer: trying costs little, and people wait for it to work again."""


class Setbacks:
    """The failed turns of one piece of work since its last good one."""

    def __init__(self, name: str, logger: logging.Logger, *, retry_seconds: float) -> None:
        self._name = name
        self._logger = logger
        self._retry_seconds = retry_seconds
        self._kinds: set[str] = set()
        self._count = 0
        self._since = 0.0

    def failed(self, error: Exception) -> float:
        """Note that a turn failed; returns the seconds to pause before the next one, twice as many each time."""
        if not self._count:
            self._since = time.monotonic()
        pause = min(self._retry_seconds * 2 ** min(self._count, 16), max(LONGEST_PAUSE, self._retry_seconds))
        self._count += 1
        with suppress(Exception):  # without memory or descriptors even that may fail
            self._log(error)
        return pause

    def over(self) -> None:
        """Note that a turn went well."""
        if not self._count:
            return
        count, self._count = self._count, 0
        self._kinds.clear()
        with suppress(Exception):
            seconds = time.monotonic() - self._since
            self._logger.warning("%s works again, after %d failed attempts in %.1f s.", self._name, count, seconds)

    def _log(self, error: Exception) -> None:
        kind = f"{type(error).__name__} {getattr(error, 'errno', '')}"
        if kind in self._kinds:
            return
        self._kinds.add(kind)
        if isinstance(error, (DatabaseError, InterfaceError)):
            self._logger.warning("The database does not answer (%s): %s tries again.", error, self._name)
        else:
            self._logger.error(
                "%s failed (%s) and tries again.", self._name, str(error) or kind.strip(), exc_info=error
            )
