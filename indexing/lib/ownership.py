"""Marks that say which database wrote a folder: a small file in it. A data folder may have had several databases."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

MARK = "database_id"


def mark(folder: Path, database: str) -> None:
    """Note in `folder` that the database of this id writes it; nothing without an id.

    On a full disk it stays without a mark: whatever else is to be written there says so better.
    """
    if database:
        with suppress(OSError):
            (folder / MARK).write_text(database)


def marked_by(folder: Path) -> str:
    """The id of the database that wrote `folder`; empty if it does not say so."""
    try:
        return (folder / MARK).read_text().partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError):
        return ""
