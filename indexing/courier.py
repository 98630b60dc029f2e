"""The thread of a web process that delivers notifications: apart, because a mail server may take its time."""

from __future__ import annotations

import logging
import threading

from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from indexing import notifications

logger = logging.getLogger(__name__)
LOOK_SECONDS = 3.0

_started = threading.Lock()


def start() -> None:
    """Start the thread, once."""
    if _started.acquire(blocking=False):
        threading.Thread(target=_deliver_now_and_then, name="courier", daemon=True).start()


def _deliver_now_and_then() -> None:
    pause = threading.Event()
    while not pause.wait(LOOK_SECONDS):
        try:
            notifications.deliver_due()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The database does not answer (%s); notifications wait.", error)
            connection.close()
        close_old_connections()
