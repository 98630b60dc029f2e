"""The folder in which the web processes of one `serve` count their searches together.

It is locked while it is used: one that is not locked was left over by a kill.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from indexing.search import counters

PREFIX = "tcs-counts-"
MEMORY = Path("/dev/shm")
SECONDS_TO_LOCK = 60.0
"""A folder that is younger may not be locked yet."""


@contextmanager
def shared_counts() -> Iterator[dict[str, str]]:
    """The environment of processes that count together. In memory: a full disk would end them."""
    if settings.TCS_WEB_PROCESSES < 2:
        yield {}
        return
    parent = MEMORY if os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    remove_left_over(parent)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=parent) as folder, _locked(Path(folder), fcntl.LOCK_EX):
        yield {counters.FOLDER: folder}


def remove_left_over(parent: Path) -> None:
    """Remove this user's folders of servers that were killed."""
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            with _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
                status = folder.stat()
                if status.st_uid == os.getuid() and time.time() - status.st_mtime > SECONDS_TO_LOCK:
                    shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # in use, another user's, or just removed


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)
