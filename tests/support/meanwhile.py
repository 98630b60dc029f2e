"""Somebody else who works on the database at the same time, in a thread with a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.db import connection

from tests.support.waiting import until


class Meanwhile(threading.Thread):
    """Does `work` at the same time. What it returned, or raised, is in `result` once `ends` has returned."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__()
        self.work = work
        self.result: object = None

    def run(self) -> None:
        try:
            self.result = self.work()
        except Exception as error:  # noqa: BLE001  whatever it is, the test looks at it
            self.result = error
        finally:
            connection.close()

    def until_it_waits(self) -> None:
        """Return when it waits for a lock, or has ended. On SQLite at once: there, one lock is for all."""
        until(lambda: connection.vendor == "sqlite" or not self.is_alive() or somebody_waits_for_a_lock())

    def ends(self) -> object:
        self.join(30)
        assert not self.is_alive()
        return self.result


def somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])
