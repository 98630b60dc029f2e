"""Proof that a worker and the web processes use the same data folder, not a copy of it.

Each web process counts in a file of its own, every two seconds, and stores in the database how far it has come. In a
copy of the folder the file is missing, or its count stands still.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from indexing.errors import FolderNotShared
from indexing.lib import paths
from indexing.lib.messages import message
from indexing.models import ServingProcess
from indexing.versions import bucket

logger = logging.getLogger(__name__)

BEATS_BEHIND = 3
"""So much the count in the file may be behind what the database says: a network file system may show it late."""
PATIENCE_SECONDS = 10.0
LOOK_SECONDS = 0.5
ABANDONED_SECONDS = 3_600.0


class FolderToken:
    """The file of this web process. It has a random name, so a copy made before this start does not have it."""

    def __init__(self) -> None:
        self.name = secrets.token_hex(16)
        self.beats = 0
        self._failed = False

    @property
    def written(self) -> str:
        """The file's name; empty while this process has not been able to write it."""
        return self.name if self.beats else ""

    def count(self) -> None:
        """Count on in the file. If that fails, which is logged once, the count stays as it is."""
        path = _file_of(self.name)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # In place: network file systems show a file's new content at once, but a new file late.
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(f"{self.beats + 1}\n")
        except OSError as error:
            if not self._failed:
                logger.warning("Workers cannot check that they use this data folder: %s", error)
            self._failed = True
            return
        self.beats += 1
        self._failed = False

    def remove(self) -> None:
        with suppress(OSError):
            _file_of(self.name).unlink()


def is_shared() -> bool:
    """Whether this process has the data folder, or the bucket, of a running web process; True if none is running."""
    if bucket.is_used():
        return bucket.is_shared()
    return _is_shared(_web_processes())


def require_shared(sleep: Callable[[float], None] = time.sleep) -> None:
    """Check that this process has the data folder of a running web process, if there is any.

    A web process with another folder is logged: it will say itself that it cannot serve the version. Waits a few
    seconds for a network file system. Raises FolderNotShared if no running web process has this folder.

    With a bucket, the bucket is what has to be shared. Raises BucketNotShared, BucketUnavailable.
    """
    if bucket.is_used():
        bucket.require_shared()
        return
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not _is_shared(found := _web_processes()):
        if time.monotonic() > give_up:
            folder = paths.tokens_folder().parent
            raise FolderNotShared(folder, socket.gethostname(), ", ".join(map(str, found)))
        sleep(LOOK_SECONDS)
    for process, is_here in found.items():
        if not is_here:
            logger.warning(
                message(
                    "Web process %(other)s has another data folder, so it cannot use this version.", other=process
                )
            )


def _web_processes() -> dict[ServingProcess, bool]:
    """The running web processes that write into their data folder, and whether it is this one."""
    running = ServingProcess.objects.seen().exclude(folder_token="").order_by("host", "pid")
    return {process: _has_file_of(process) for process in running}


def _is_shared(found: dict[ServingProcess, bool]) -> bool:
    return not found or any(found.values())


def remove_abandoned() -> None:
    """Remove the files of web processes that were killed."""
    known = set(ServingProcess.objects.values_list("folder_token", flat=True))
    with suppress(OSError):
        for path in paths.tokens_folder().iterdir():
            if path.name not in known and time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                path.unlink()


def _has_file_of(process: ServingProcess) -> bool:
    try:
        count = int(_file_of(process.folder_token).read_text() or "0")
    except (OSError, ValueError):
        return False
    return count >= process.folder_beats - BEATS_BEHIND


def _file_of(token: str) -> Path:
    return paths.tokens_folder() / token
