"""Sends mails that nobody waits for."""

from __future__ import annotations

import logging
import smtplib
import threading
from collections.abc import Callable
from typing import Any

from django.db import connection

logger = logging.getLogger(__name__)


def in_background(send: Callable[..., Any], *args: Any, **kwargs: Any) -> threading.Thread:
    """Call `send` in a thread. A mail server that fails is named in the log."""

    def run() -> None:
        try:
            send(*args, **kwargs)
        except (OSError, smtplib.SMTPException) as error:
            logger.warning("A mail could not be sent (%s).", error)
        finally:
            connection.close()

    thread = threading.Thread(target=run, name="mail", daemon=True)
    thread.start()
    return thread
