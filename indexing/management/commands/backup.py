"""manage.py backup: copy everything that TCS stores into a new folder, while it runs."""

from __future__ import annotations

import json
import shutil
import sqlite3
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from indexing.errors import IndexingError
from indexing.lib.translation import translated
from indexing.ops import backup


class Command(BaseCommand):
    help = "Copy the database, the versions and the secret key into a new folder, which can be used as TCS_DATA_DIR."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="a folder that does not exist yet")
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *, folder: Path, **options: Any) -> None:
        """Exit codes: 0 done, 1 failed, 2 usage. Raises CommandError."""
        try:
            number = backup.make(folder)
        except (IndexingError, sqlite3.Error) as error:
            raise CommandError(translated(error)) from error
        except (OSError, shutil.Error) as error:
            raise CommandError(f"Could not write to {folder}: {error}. Choose another folder.") from error
        database = connection.vendor == "sqlite"
        if options["json"]:
            self.stdout.write(json.dumps({"folder": str(folder), "version": number or None, "database": database}))
            return
        self.stdout.write(f"Copied to {folder}, with " + (f"version {number} live." if number else "no version."))
        if not database:
            self.stdout.write("The PostgreSQL database is not in it: copy it with pg_dump just before this command.")
