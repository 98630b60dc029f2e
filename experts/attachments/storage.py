"""Files in the data folder under random names: no path ever comes from a browser, or from a file's own name.

A file is written before its row, and removed after its row: a crash in between leaves a file that nobody knows,
which `sweep` removes, and never a row without its file.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Collection, Iterable
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

DOCUMENTS, PHOTOS = "documents", "photos"
FOLDERS = (DOCUMENTS, PHOTOS)
UNKNOWN_FOR = 24 * 3600
"""Seconds for which a file may lie here without a row: longer than any request takes."""
_NAME = re.compile("[0-9a-f]{32}")
UNFINISHED = ".new"


def path_of(kind: str, name: str) -> Path:
    """Where the file `name` of a folder in FOLDERS lies. Raises ValueError for a name that `store` does not give."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not the name of a stored file: {name!r}")
    return _folder(kind) / name


def store(kind: str, chunks: Iterable[bytes]) -> str:
    """Write a file into a folder in FOLDERS and return its name. It is on the disk then.

    Raises OSError, such as on a full disk; then nothing of it is left.
    """
    folder = _folder(kind)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = secrets.token_hex(16)
    unfinished = folder / f"{name}{UNFINISHED}"
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(folder / name)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _flush(folder)
    return name


def not_stored(what: str, error: OSError) -> str:
    """A sentence for whoever uploaded something that `store` could not store."""
    return _(
        "%(what)s could not be stored: %(error)s. Nothing was changed. Ask your administrator to look at the disk."
    ) % {"what": what, "error": error.strerror or error}


def remove(kind: str, name: str) -> None:
    """Remove a file; one that is not there is removed already."""
    path_of(kind, name).unlink(missing_ok=True)


def remove_after_commit(kind: str, name: str) -> None:
    """Remove a file once the transaction has ended that deletes its row; not if that is rolled back."""
    transaction.on_commit(partial(remove, kind, name), robust=True)


def sweep(kind: str, known: Collection[str]) -> int:
    """Remove the files of a folder that are not among `known` and older than UNKNOWN_FOR; returns how many."""
    oldest, removed = time.time() - UNKNOWN_FOR, 0
    for path in _folder(kind).glob("*"):
        try:
            if path.name not in known and path.stat().st_mtime < oldest:
                path.unlink()
                removed += 1
        except FileNotFoundError:
            continue  # another process was faster
    return removed


def _folder(kind: str) -> Path:
    return Path(settings.DATA_DIR) / kind


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
