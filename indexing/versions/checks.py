"""A Django system check, done before almost every command: does the data folder belong to this database?"""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error
from django.db import DatabaseError, InterfaceError

from indexing.errors import WrongDatabase
from indexing.lib.translation import translated
from indexing.versions import data_folder


def check_data_folder(**_options: Any) -> list[CheckMessage]:
    """An error, which ends the command, if it belongs to another database; nothing while the database is away."""
    try:
        data_folder.require()
    except WrongDatabase as error:
        return [Error(translated(error), id="indexing.E001")]
    except (DatabaseError, InterfaceError):
        pass  # the command itself says so, or waits for it
    return []
