"""Errors that come from the machine and not from the program, as sentences that say what to do about them."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from tcs_site import database_release

FULL = (errno.ENOSPC, errno.EDQUOT)
CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)
FEW_BYTES = 2**20
DAMAGED = ("file is not a database", "malformed")


def sentence(error: BaseException) -> str | None:
    """What happened and how to fix it; None for an error that is not known, which needs its traceback."""
    if isinstance(error, ImproperlyConfigured):
        return f"TCS cannot start: {error}"
    if isinstance(error, CommandError):
        return str(error)
    if isinstance(error, (DatabaseError, InterfaceError)):
        return _of_database(error)
    return _of_system(error) if isinstance(error, OSError) else None


def _of_system(error: OSError) -> str | None:
    where = error.filename or settings.DATA_DIR
    if error.errno in FULL:
        return _full(where)
    if error.errno in CLOSED:
        return (
            f"{where} cannot be used: {error.strerror}. What was stored before is unaffected. Make it readable and "
            "writable for the user that runs TCS, or set TCS_DATA_DIR to a folder that is."
        )
    return f"{where}: the disk reports an error. Check it." if error.errno == errno.EIO else None


def no_waiting_helps(error: DatabaseError | InterfaceError) -> bool:
    """Whether the database is damaged or out of reach, and not just busy or away for a moment."""
    return connection.vendor == "sqlite" and _of_sqlite(_first_line(error)) is not None


def _of_database(error: DatabaseError | InterfaceError) -> str | None:
    said = _first_line(error)
    if connection.vendor == "sqlite" and (known := _of_sqlite(said)):
        return known
    if unfit := _unfit():
        return f"{unfit} ({said})"
    if isinstance(error, (OperationalError, InterfaceError)) and "no such" not in said:
        return (
            f"The database does not answer ({said}). Start it or unlock it, or correct DATABASE_URL; then try again."
        )
    return None


def _unfit() -> str | None:
    try:
        return database_release.newer() or database_release.unprepared()
    except (DatabaseError, InterfaceError):
        return None


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _of_sqlite(said: str) -> str | None:
    name = Path(str(connection.settings_dict["NAME"]))
    if any(part in said for part in DAMAGED):
        return (
            f"The database {name} is damaged ({said}). The versions of the index are unaffected. "
            "Move the file away and restore it from a backup: see “Backup” in docs/operating.md."
        )
    if "is full" in said or ("disk I/O error" in said and _is_full(name.parent)):
        return _full(name)
    if any(part in said for part in ("readonly", "unable to open", "disk I/O error")):
        return (
            f"The database {name} cannot be used ({said}). Nothing was changed. Check the disk, and make the file "
            "and its folder writable for the user that runs TCS."
        )
    return None


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < FEW_BYTES
    except OSError:
        return False


def _full(where: object) -> str:
    return (
        f"The disk is full: {where} could not be written. What was stored before is unaffected. "
        "Free some space, then try again."
    )
