"""A copy of everything that TCS stores, made while it is running."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from django.conf import settings
from django.db import connection

from experts.attachments import storage
from indexing.errors import Refused, SnapshotInvalid
from indexing.lib import paths
from indexing.lib.messages import message
from indexing.lib.ownership import MARK
from indexing.lib.private_files import make_private
from indexing.models import IndexVersion
from indexing.snapshot.reader import Snapshot
from indexing.versions import bucket, engines, opening

DATABASE = "db.sqlite3"
FOLDERS = ("versions", "maps", "models")
UNFINISHED = ".partial"


def make(target: Path) -> int:
    """Copy the database, the versions and the secret key into the new folder `target`.

    Returns the number of the live version in the copy, or 0. SQLite copies the database as of one moment; then the
    files that it names are copied. Documents and photos are copied before it too, since one that is deleted meanwhile
    is still named by the copy. The copy of the live version is opened and verified. A PostgreSQL database is
    left to pg_dump. Raises Refused (the folder exists, or lies in the data folder), SnapshotInvalid, OSError.
    """
    target = target.resolve()
    if target.exists():
        raise Refused(message("%(path)s already exists. Choose a new folder.", path=target))
    if target.is_relative_to(Path(settings.DATA_DIR)):
        raise Refused(message("%(path)s is inside the data folder. Choose a folder outside it.", path=target))
    partial = target.with_name(target.name + UNFINISHED)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, mode=0o700)
    try:
        _copy_attachments(partial)
        number, sha256 = _copy_database(partial)
        _copy_attachments(partial)
        _copy_files(partial)
        make_private(partial)  # files of the first releases are readable by others, and so would be their copies
        if number:
            folder = partial / "versions" / paths.version_folder(number).name
            Snapshot.open(folder, manifest_sha256=sha256, engines=engines.available())
    except (OSError, SnapshotInvalid, sqlite3.Error):
        shutil.rmtree(partial, ignore_errors=True)
        raise
    partial.rename(target)
    return number


def _copy_database(folder: Path) -> tuple[int, str]:
    """The number and the manifest's hash of the live version as copied; 0 and an empty text without one."""
    query = (
        "SELECT v.number, v.manifest_sha256 FROM indexing_indexstate s "
        "JOIN indexing_indexversion v ON v.number = s.live_version_id"
    )
    if connection.vendor != "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(query)
            row = cursor.fetchone()
        return (int(row[0]), str(row[1])) if row else (0, "")
    source = str(connection.settings_dict["NAME"])
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(folder / DATABASE)) as copy:
        live.backup(copy)
        row = copy.execute(query).fetchone()
    return (int(row[0]), str(row[1])) if row else (0, "")


def _copy_attachments(folder: Path) -> None:
    """Copy the documents and photos that are not in the copy yet; files never change."""
    for kind in storage.FOLDERS:
        for path in (Path(settings.DATA_DIR) / kind).glob("*"):
            copy = folder / kind / path.name
            if path.suffix != storage.UNFINISHED and not copy.exists():
                copy.parent.mkdir(exist_ok=True, mode=0o700)
                with suppress(FileNotFoundError):  # deleted meanwhile
                    shutil.copy2(path, copy)


def _copy_files(folder: Path) -> None:
    for version in opening.searchable() if bucket.is_used() else []:
        bucket.folder_of(version)
        if version.map_state == IndexVersion.MapState.DONE:
            bucket.map_file_of(version.number)
    data = Path(settings.DATA_DIR)
    for name in FOLDERS:
        if (data / name).is_dir():
            shutil.copytree(data / name, folder / name, ignore=shutil.ignore_patterns("*.building"))
    for name in ("secret_key", MARK):
        if (data / name).exists():
            shutil.copy2(data / name, folder / name)
