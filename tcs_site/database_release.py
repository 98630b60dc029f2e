"""Whether the database fits this release: the migrations that it has, against those of the code."""

from __future__ import annotations

from pathlib import Path
from pkgutil import iter_modules

from django.apps import apps
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

OURS = ("experts", "indexing", "accounts")


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
