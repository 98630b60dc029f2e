"""Whether the database fits this release: its encoding, and its migrations against those of the code."""

from __future__ import annotations

from pathlib import Path
from pkgutil import iter_modules

from django.apps import apps
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

OURS = ("experts", "indexing", "accounts")


def unfit() -> str | None:
    """A sentence if this release cannot use the database at all. Raises DatabaseError, InterfaceError."""
    return _other_encoding() or newer()


def _other_encoding() -> str | None:
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_encoding")
        (encoding,) = cursor.fetchone()
    if encoding == "UTF8":
        return None
    return (
        f"The database has the encoding {encoding}, and TCS needs UTF8. Nothing was changed. Make a new one with: "
        "createdb --template=template0 --encoding=UTF8 NAME"
    )


def newer() -> str | None:
    """A sentence if a newer release has changed the database. Raises DatabaseError, InterfaceError."""
    applied = _applied()
    for label in OURS:
        known = _known(label)
        # a later release may have joined earlier migrations into one: only what comes after all of ours is newer
        if beyond := [name for name in applied.get(label, ()) if name > known[-1]]:
            return (
                f"The database is from a newer release of TCS: it has the migration {label}.{max(beyond)}, and this "
                f"release knows them up to {known[-1]}. Nothing was changed. Install the newer release again, or "
                "restore a backup that was made before it."
            )
    return None


def unprepared() -> str | None:
    """A sentence if the database lacks something that this release needs. Raises DatabaseError, InterfaceError."""
    applied = _applied()
    for label in OURS:
        for name in _known(label):
            if name not in applied.get(label, ()):
                return (
                    f"The database is not prepared for this release: the migration {label}.{name} is missing. "
                    "Run: manage.py migrate"
                )
    return None


def _applied() -> dict[str, set[str]]:
    """The migrations that the database has, by app."""
    found: dict[str, set[str]] = {}
    for app, name in MigrationRecorder(connection).applied_migrations():
        found.setdefault(app, set()).add(name)
    return found


def _known(label: str) -> list[str]:
    """The migrations of an app in this release, rising."""
    folder = Path(apps.get_app_config(label).path) / "migrations"
    return sorted(module.name for module in iter_modules([str(folder)]))
