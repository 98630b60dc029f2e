"""The body of a large upload: received into one file, of which the uploaded file then takes the place.

A body is a form: fields, headers of parts, and the file. Storing that file elsewhere would need its space twice, and
the time to copy it. It is shorter than the body and always starts after where it is written to, so it is written over
the start of the body while the body is being read.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from contextvars import ContextVar
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopFutureHandlers

SUFFIX = ".upload"
NOT_LOCKED_YET = ".new"
SECONDS_TO_LOCK = 60.0


class ReceivedBody:
    """A file in the data folder. It is locked while it is used: one that is not locked was left over by a kill."""

    def __init__(self) -> None:
        """Raises OSError."""
        imports_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = imports_folder() / f"{secrets.token_hex(16)}{SUFFIX}"
        new = self.path.with_suffix(NOT_LOCKED_YET)
        self._file = os.fdopen(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "r+b", buffering=0)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        new.rename(self.path)
        self.file_taken = False
        """One uploaded file has taken the place of the body."""

    def write(self, data: bytes) -> None:
        """Raises OSError if there is no space left."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def reader(self) -> IO[bytes]:
        return self.path.open("rb")

    def close(self) -> None:
        """Remove the file, unless it was stored."""
        self.path.unlink(missing_ok=True)


received: ContextVar[ReceivedBody | None] = ContextVar("received", default=None)
"""The body of the request in this context; None where Django receives it itself."""


class FileInPlace(UploadedFile):
    """An uploaded file that lies where its request's body was."""

    def __init__(self, body: ReceivedBody, file: IO[bytes], **about: Any) -> None:
        super().__init__(file, **about)
        self._body = body

    def store(self, path: Path) -> None:
        """Give it a name of its own; else it ends with the request."""
        os.truncate(self._body.path, self.size or 0)
        self._body.path.rename(path)


class StoreInPlace(FileUploadHandler):
    """Stores the first file of a form in place of the body that it is read from."""

    _body: ReceivedBody | None = None
    _file: IO[bytes]

    def new_file(self, *args: Any, **more: Any) -> None:
        """Raises StopFutureHandlers: the file is stored here."""
        super().new_file(*args, **more)
        body = received.get()
        self._body = None
        if body is not None and not body.file_taken:
            body.file_taken = True
            self._body = body
            self._file = body.path.open("r+b")
            raise StopFutureHandlers

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        if self._body is None:
            return raw_data
        self._file.write(raw_data)
        return None

    def file_complete(self, file_size: int) -> UploadedFile | None:
        if self._body is None:
            return None
        self._file.seek(0)  # which also writes what is left in the buffer
        return FileInPlace(
            self._body, self._file, name=self.file_name, size=file_size, content_type=self.content_type
        )


def imports_folder() -> Path:
    return Path(settings.DATA_DIR) / "imports"


def remove_left_over_bodies() -> int:
    """Remove what a server that was killed has received and not passed on; returns how many files."""
    removed = 0
    for path in [*imports_folder().glob(f"*{SUFFIX}"), *imports_folder().glob(f"*{NOT_LOCKED_YET}")]:
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if path.suffix == SUFFIX or time.time() - path.stat().st_mtime > SECONDS_TO_LOCK:
                    path.unlink()
                    removed += 1
        except (BlockingIOError, FileNotFoundError):
            continue  # in use, or just removed
    return removed
