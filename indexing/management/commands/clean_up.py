"""manage.py clean_up: delete what is older than the settings say."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from indexing.ops import retention


class Command(BaseCommand):
    help = "Delete sessions, sign-ins, tokens, searches, notifications, runs and uploads that are too old."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit codes: 0 done, 2 usage. The web processes do the same once a day."""
        counts = retention.clean_up()
        if options["json"]:
            self.stdout.write(json.dumps(counts))
            return
        self.stdout.write("Deleted:")
        for name, count in counts.items():
            self.stdout.write(f"  {name:15} {count:,}")
