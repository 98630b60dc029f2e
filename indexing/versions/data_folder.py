"""Which database a data folder belongs to. TCS starts with no other one: it would not know what lies there.

The database and the folder carry the same id: a random one, given to both when they are first used together. A folder
without one (of an earlier release, or restored without it) belongs to the database that knows a version in it by the
hash of its manifest.
"""

from __future__ import annotations

import logging
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.db import connection, transaction

from indexing.errors import WrongDatabase
from indexing.lib import paths
from indexing.lib.files import file_sha256, flush_to_disk
from indexing.lib.messages import Message, message, plural_message
from indexing.lib.ownership import MARK, marked_by
from indexing.models import IndexState
from indexing.snapshot.manifest import MANIFEST_NAME
from indexing.versions import bucket

logger = logging.getLogger(__name__)

STATE, VERSIONS, COLUMN = "indexing_indexstate", "indexing_indexversion", "database_id"


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What the database says, whatever release it is of. One that does not exist yet says nothing."""

    id: str = ""
    exists: bool = False
    """Whether it has the tables of the index."""
    takes_id: bool = False
    """Whether it has room for an id: not before it is migrated."""
    known: Mapping[int, str] = field(default_factory=dict)
    """The hash of the manifest of every version that was ever finished, by its number."""


def require() -> None:
    """Raises WrongDatabase if the data folder belongs to another database. Writes nothing and creates no database.

    Raises DatabaseError, InterfaceError if the database does not answer.
    """
    _compare(_read_facts())


def claim(*, adopt: bool = False) -> None:
    """Give the database and the data folder one id, unless they have it. Only with `adopt` may they have different
    ones: then the folder belongs to this database from now on.

    Does nothing before the database is migrated. Raises WrongDatabase, DatabaseError, InterfaceError, OSError.
    """
    facts = _read_facts()
    try:
        _compare(facts)
        adopt = False
    except WrongDatabase:
        if not adopt:
            raise
    written = marked_by(_folder())
    if not facts.takes_id or (facts.id and facts.id == written):
        return
    database = facts.id or _give_id("" if adopt else written)
    if written == database:
        return
    if not written and not _finished() and facts.known and not bucket.is_used():
        logger.warning(
            message(
                "The data folder %(folder)s is new to this database, and has none of its versions. "
                "Restore them, or rebuild the index.",
                folder=_folder(),
            )
        )
    _write_mark(database, replace=adopt)


def _folder() -> Path:
    return Path(settings.DATA_DIR)


def _compare(facts: DatabaseFacts) -> None:
    written = marked_by(_folder())
    if written and written == facts.id:
        return
    versions = _finished()
    if not written and not versions:
        return
    if not (written and facts.id) and any(facts.known.get(number) == sha256 for number, sha256 in versions.items()):
        return
    raise WrongDatabase(_found(written, len(versions)), _current(facts))


def _finished() -> dict[int, str]:
    """The hash of the manifest of every finished version in the data folder, by number."""
    found = {}
    for path in paths.versions_folder().glob(f"[0-9]*/{MANIFEST_NAME}"):
        if path.parent.name.isdecimal() and len(path.parent.name) <= paths.LONGEST_NUMBER:
            found[int(path.parent.name)] = file_sha256(path)
    return found


def _read_facts() -> DatabaseFacts:
    """Read with SQL: the tables may be those of an earlier release."""
    if _is_missing():
        return DatabaseFacts()
    with connection.cursor() as cursor:
        if STATE not in connection.introspection.table_names(cursor):
            return DatabaseFacts()
        cursor.execute(f"SELECT * FROM {STATE} WHERE id = 1")  # noqa: S608  constants
        columns = [column[0] for column in cursor.description]
        row = dict(zip(columns, cursor.fetchone() or (), strict=False))
        cursor.execute(f"SELECT number, manifest_sha256 FROM {VERSIONS} WHERE manifest_sha256 <> ''")  # noqa: S608
        return DatabaseFacts(row.get(COLUMN, ""), True, COLUMN in columns, dict(cursor.fetchall()))


def _is_missing() -> bool:
    """Whether it is a SQLite file that does not exist, or is empty: connecting would create it."""
    if connection.vendor != "sqlite":
        return False
    try:
        return os.stat(connection.settings_dict["NAME"]).st_size == 0
    except FileNotFoundError:
        return True


def _give_id(written: str) -> str:
    """The id of the database, which gets the folder's, or a new one, if it has none."""
    with transaction.atomic():
        state = IndexState.locked()
        if not state.database_id:
            state.database_id = written or uuid4().hex
            state.save(update_fields=[COLUMN])
    return state.database_id


def _write_mark(database: str, *, replace: bool) -> None:
    """Write the id into the data folder, readable by its owner only. Of two databases that do so at once, and not
    with `replace`, the first wins. Raises WrongDatabase for the other, and OSError.
    """
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    mine = folder / f"{MARK}.{secrets.token_hex(4)}"
    mine.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
    try:
        mine.write_text(f"{database}\n{describe()}\n")
        flush_to_disk(mine)
        if replace:
            mine.replace(folder / MARK)
        else:
            os.link(mine, folder / MARK)
    except FileExistsError:
        require()
    finally:
        mine.unlink(missing_ok=True)
    flush_to_disk(folder)


def describe() -> str:
    """The database in words, without its password."""
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        return str(given["NAME"])
    return f"{connection.display_name} {given['NAME']}, {given['HOST'] or 'localhost'}"


def _found(written: str, versions: int) -> Message:
    if written:
        lines = (_folder() / MARK).read_text().splitlines()
        return message(
            "The data folder %(folder)s belongs to another database (%(database)s).",
            folder=_folder(),
            database=lines[1] if len(lines) > 1 else written,
        )
    return plural_message(
        "The data folder %(folder)s holds %(count)d version that the database does not know.",
        "The data folder %(folder)s holds %(count)d versions, none of which the database knows.",
        folder=_folder(),
        count=versions,
    )


def _current(facts: DatabaseFacts) -> Message:
    if not facts.exists:
        return message("The current one, %(database)s, is empty or does not exist.", database=describe())
    return message("The current one is %(database)s.", database=describe())
