"""Proof that a worker and the web processes use the same bucket.

Each web process writes an object of a random name once, and stores the name in the database; the worker looks for it.
"""

from __future__ import annotations

import logging
import secrets
import socket

from django.conf import settings

from indexing.errors import BucketNotShared, BucketUnavailable
from indexing.lib.messages import message
from indexing.models import ServingProcess
from indexing.versions.bucket.names import PROCESSES
from indexing.versions.bucket.store import NoSuchObject, bucket

logger = logging.getLogger(__name__)


class BucketToken:
    """The object of this web process."""

    def __init__(self) -> None:
        self.name = secrets.token_hex(16)
        self.beats = 0
        """Stays 0: a copy of a bucket that goes on being written is not what happens."""
        self._is_written = False

    @property
    def written(self) -> str:
        """The object's name; empty while this process has not been able to write it."""
        return self.name if self._is_written else ""

    def write(self) -> None:
        """Write it, unless that has been done. Raises BucketUnavailable."""
        if not self._is_written:
            bucket().write(PROCESSES + self.name, b"")
            self._is_written = True

    def count(self) -> None:
        """Nothing: it is written by the thread that may wait for the bucket."""

    def remove(self) -> None:
        """Remove it; if that fails, a run does so later."""
        if self._is_written:
            try:
                bucket().delete([PROCESSES + self.name])
            except BucketUnavailable as error:
                logger.warning("%s", error)


def require_shared() -> None:
    """Check that the bucket has the object of a running web process, if there is any.

    A web process with another bucket is logged. Raises BucketNotShared, BucketUnavailable.
    """
    found = _web_processes()
    if found and not any(found.values()):
        raise BucketNotShared(settings.TCS_VERSIONS_URL, socket.gethostname(), ", ".join(map(str, found)))
    for process, is_here in found.items():
        if not is_here:
            logger.warning(
                message("Web process %(other)s has another bucket, so it cannot use this version.", other=process)
            )


def is_shared() -> bool:
    """Whether this process has the bucket of a running web process; True if none is running.

    False also while the bucket is away.
    """
    try:
        found = _web_processes()
    except BucketUnavailable as error:
        logger.warning("%s", error)
        return False
    return not found or any(found.values())


def _web_processes() -> dict[ServingProcess, bool]:
    running = ServingProcess.objects.seen().exclude(folder_token="").order_by("host", "pid")
    return {process: _has_object_of(process) for process in running}


def _has_object_of(process: ServingProcess) -> bool:
    try:
        bucket().size(PROCESSES + process.folder_token)
    except NoSuchObject:
        return False
    return True
