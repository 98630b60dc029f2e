"""manage.py release_schedule: resume scheduled rebuilds after a rollback."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _

from indexing.management.decision_command import command_actor
from indexing.versions import decisions


class Command(BaseCommand):
    help = "Resume scheduled rebuilds after a rollback. Exits with 0, also if they were not paused."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        resumed = decisions.resume_schedule(command_actor())
        if options["json"]:
            self.stdout.write(json.dumps({"released": resumed}))
        elif resumed:
            self.stdout.write(_("Scheduled rebuilds are resumed."))
        else:
            self.stdout.write(_("Scheduled rebuilds were not paused."))
