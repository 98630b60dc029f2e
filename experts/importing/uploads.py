"""Stores an uploaded file between the preview and the import, and limits its size.

A file lies under a random name in the data folder. Only the session of the user who uploaded it knows that name, so
no path ever comes from a browser.
"""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest

from experts.importing.options import ImportOptions
from experts.importing.received import FileInPlace, imports_folder, remove_left_over_bodies

EXPIRES_AFTER = 24 * 3600
"""seconds"""
_SESSION_KEY = "experts_import"
_SUFFIXES = (".csv", ".rows", ".writing", ".json")


class CappedUpload(FileUploadHandler):
    """Drops everything past `TCS_IMPORT_MAX_MB` while it arrives, before it fills the memory or the disk.

    Django has no limit for uploads: DATA_UPLOAD_MAX_MEMORY_SIZE does not apply to files. All files of a request
    count together, because the CSRF check reads up to a hundred of them before anybody checks who sent them.
    """

    chunk_size = 64 * 2**10
    received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Count the bytes. Raises SkipFile beyond TCS_IMPORT_MAX_MB (2**20 bytes each): the file is then dropped."""
        self.received += len(raw_data)
        if self.received > settings.TCS_IMPORT_MAX_MB * 2**20:
            self.request.upload_too_large = True  # type: ignore[union-attr]
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


@dataclass(frozen=True, slots=True)
class PendingImport:
    """An uploaded file that is not imported yet, with the options of its upload."""

    token: str
    user: int | None
    name: str
    skip_bad: bool
    options: ImportOptions

    @property
    def path(self) -> Path:
        return imports_folder() / f"{self.token}.csv"

    @property
    def rows_path(self) -> Path:
        """The rows of a spreadsheet, see `sources.open_source`."""
        return self.path.with_suffix(".rows")


def store_upload(
    request: HttpRequest, file: UploadedFile, *, name: str, skip_bad: bool, options: ImportOptions
) -> PendingImport:
    """Store a file for the user of `request`; it replaces the one that they uploaded before."""
    discard_pending(request)
    remove_expired()
    imports_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    pending = PendingImport(secrets.token_hex(16), request.user.pk, name, skip_bad, options)
    if isinstance(file, FileInPlace):
        file.store(pending.path)
    else:
        descriptor = os.open(pending.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            target.writelines(file.chunks())
    remember_choices(request, pending)
    return pending


def remember_choices(request: HttpRequest, pending: PendingImport) -> None:
    """Store what the user chose about a pending import."""
    request.session[_SESSION_KEY] = asdict(pending)


def find_pending(request: HttpRequest) -> PendingImport | None:
    """The user's pending import; None if there is none or it has expired."""
    stored = request.session.get(_SESSION_KEY)
    if stored is None or stored["user"] != request.user.pk:
        return None
    if "options" not in stored:  # uploaded before the last update of TCS
        return None
    pending = PendingImport(**stored | {"options": ImportOptions.from_stored(stored["options"])})
    return pending if pending.path.exists() else None


def discard_pending(request: HttpRequest) -> None:
    """Remove the user's pending import and its file, if there is one."""
    if pending := find_pending(request):
        pending.path.unlink(missing_ok=True)
        pending.rows_path.unlink(missing_ok=True)
    request.session.pop(_SESSION_KEY, None)


def delete_leftovers() -> int:
    """Remove what nobody will import: at the start of a process, and now and then. Returns how many files."""
    return remove_expired() + remove_left_over_bodies()


def remove_expired() -> int:
    """Remove the files of all users that nobody has imported within a day; returns how many."""
    oldest, removed = time.time() - EXPIRES_AFTER, 0
    for path in (each for suffix in _SUFFIXES for each in imports_folder().glob(f"*{suffix}")):
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
                removed += 1
        except FileNotFoundError:
            continue  # another process removed it, or its owner has just imported it
    return removed
