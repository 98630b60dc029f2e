"""What a web process runs and remembers beside its requests: the one place that starts, stops and forgets it."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from indexing import encoders, notifications
from indexing.drift import samples
from indexing.encoders.same_model import has_model
from indexing.lib import process_state
from indexing.lib.private_files import make_private
from indexing.ops import retention
from indexing.search import log
from indexing.serving import live
from indexing.versions import data_folder

logger = logging.getLogger(__name__)


def require_data_folder() -> None:
    """Give the data folder to the database, or raise WrongDatabase if it belongs to another one.

    In a thread: a server may import the application in its event loop, where the database cannot be read. While the
    database is away nothing is compared; what is deleted is compared in any case.
    """
    with ThreadPoolExecutor(1) as pool:
        pool.submit(_claim).result()


def _claim() -> None:
    try:
        data_folder.claim()
    except (DatabaseError, InterfaceError) as error:
        logger.warning("The database does not answer (%s).", error)
    except OSError as error:
        logger.warning("The data folder cannot be written (%s).", error)
    finally:
        connection.close()


def start() -> None:
    """Serve the live version and keep it current, load the model, and start the other threads. Returns at once."""
    for said in make_private(settings.DATA_DIR):
        logger.warning("%s", said)
    live.start(has_model=has_model)
    notifications.deliver_in_background()
    log.start()
    samples.start()
    retention.start()
    encoders.load_in_background()


def is_ready() -> bool:
    """Whether this process has opened the live version, and loaded the model, or found that it cannot."""
    return live.has_looked() and encoders.load_state() in ("ready", "failed")


def stop() -> None:
    """End the threads; also done when the process exits."""
    retention.stop()
    samples.stop()
    log.stop()
    notifications.stop_delivering()
    live.stop()


def reset() -> None:
    """Be as a process that has just started: threads stopped, nothing served, opened, cached or counted."""
    process_state.forget_all()
