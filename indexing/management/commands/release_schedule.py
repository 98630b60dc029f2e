"""manage.py release_schedule: let scheduled runs go on after a rollback."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _

from indexing.management.decision_command import command_actor
from indexing.versions import decisions


class Command(BaseCommand):
    help = "Let scheduled runs go on after a rollback. Exits with 0, also when they were not on hold."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        released = decisions.release_schedule(command_actor())
        if options["json"]:
            self.stdout.write(json.dumps({"released": released}))
        elif released:
            self.stdout.write(_("Scheduled runs go on."))
        else:
            self.stdout.write(_("Scheduled runs were not on hold."))
