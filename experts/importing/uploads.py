"""Uploaded files between preview and confirmation, and the cap on their size.

A file lies under a random name in the data folder; only the session of who uploaded it knows that name, so no path
ever comes from a browser.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest

KEPT_SECONDS = 24 * 3600
_SESSION_KEY = "experts_import"


class CappedUpload(FileUploadHandler):
    """Drops what grows past `TCS_IMPORT_MAX_MB` while it arrives, before it fills memory or disk.

    Django caps no uploads itself: DATA_UPLOAD_MAX_MEMORY_SIZE leaves files out. All files of a request count
    together, because the CSRF check reads a hundred of them before anybody asks who sent them.
    """

    chunk_size = 64 * 2**10
    received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.received += len(raw_data)
        if self.received > settings.TCS_IMPORT_MAX_MB * 2**20:
            self.request.upload_too_large = True  # type: ignore[union-attr]
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Pending:
    """A file that waits for its confirmation, and what was asked for with it."""

    token: str
    user: int | None
    name: str
    sync: bool
    skip_bad: bool

    @property
    def path(self) -> Path:
        return _folder() / f"{self.token}.csv"


def keep(request: HttpRequest, chunks: Iterable[bytes], *, name: str, sync: bool, skip_bad: bool) -> Pending:
    """Store the file for the user of `request`, in place of one that they had uploaded before."""
    discard(request)
    sweep()
    _folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    pending = Pending(secrets.token_hex(16), request.user.pk, name, sync, skip_bad)
    descriptor = os.open(pending.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for chunk in chunks:
            file.write(chunk)
    request.session[_SESSION_KEY] = asdict(pending)
    return pending


def find(request: HttpRequest) -> Pending | None:
    """The file that waits for this user's confirmation; None when there is none, or it has been swept."""
    stored = request.session.get(_SESSION_KEY)
    if stored is None or stored["user"] != request.user.pk:
        return None
    pending = Pending(**stored)
    return pending if pending.path.exists() else None


def discard(request: HttpRequest) -> None:
    """Forget the file and remove it."""
    if pending := find(request):
        pending.path.unlink(missing_ok=True)
    request.session.pop(_SESSION_KEY, None)


def sweep() -> None:
    """Remove files that nobody has confirmed within a day."""
    oldest = time.time() - KEPT_SECONDS
    for path in _folder().glob("*.csv"):
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
        except FileNotFoundError:
            continue  # another process swept it, or its owner has just applied it


def _folder() -> Path:
    return Path(settings.DATA_DIR) / "imports"
