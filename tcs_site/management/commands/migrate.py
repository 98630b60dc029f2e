"""Django's `migrate`, which first looks whether the data folder belongs to the database."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate

from indexing.errors import WrongDatabase
from indexing.versions import data_folder


class Command(migrate.Command):
    def execute(self, *args: Any, **options: Any) -> str | None:
        """Before the system checks of databases, which would create a missing SQLite file. Raises CommandError."""
        if not options["skip_checks"]:
            try:
                data_folder.require()
            except WrongDatabase as error:
                raise CommandError(str(error)) from error
        return super().execute(*args, **options)
