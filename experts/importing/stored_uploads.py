"""Files that programs upload: like those of the pages, but known by their token instead of a session."""

from __future__ import annotations

import json
import os
import re
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from django.core.files.uploadedfile import UploadedFile

from experts.importing.options import ImportOptions
from experts.importing.plan import ImportPlan, make_plan
from experts.importing.received import FileInPlace, imports_folder
from experts.importing.uploads import remove_expired

_TOKEN = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """A file that a program uploaded and has not imported yet."""

    token: str
    user: int
    """Key of the user who uploaded it; nobody else finds it."""
    name: str
    options: ImportOptions

    @property
    def path(self) -> Path:
        return imports_folder() / f"{self.token}.csv"

    def plan(self) -> ImportPlan:
        """Raises ImportFailed, and FileNotFoundError if it has expired."""
        with self.path.open("rb") as file:
            return make_plan(file, self.options, rows_file=self.path.with_suffix(".rows"))

    def remove(self) -> None:
        for suffix in (".csv", ".rows", ".json"):
            self.path.with_suffix(suffix).unlink(missing_ok=True)


def store(file: UploadedFile, user: int, name: str, options: ImportOptions) -> StoredUpload:
    remove_expired()
    imports_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    upload = StoredUpload(secrets.token_hex(16), user, name, options)
    if isinstance(file, FileInPlace):
        file.store(upload.path)
    else:
        with _new(upload.path) as target:
            target.writelines(file.chunks())
    with _new(upload.path.with_suffix(".json")) as target:
        target.write(json.dumps(asdict(upload)).encode())
    return upload


def find(token: str, user: int) -> StoredUpload | None:
    """The user's upload; None if there is none with this token, or it has expired."""
    if not _TOKEN.fullmatch(token):
        return None
    try:
        stored = json.loads((imports_folder() / f"{token}.json").read_bytes())
    except FileNotFoundError:
        return None
    if stored["user"] != user:
        return None
    return StoredUpload(**stored | {"options": ImportOptions.from_stored(stored["options"])})


def _new(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
