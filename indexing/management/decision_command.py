"""What the commands that decide about versions have in common: who asks, why, and how the answer is told."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from experts.safe_text import visible
from indexing.audit import Actor
from indexing.errors import Busy, IndexingError
from indexing.lib.translation import translated
from indexing.management.commands.rebuild_index import EXIT_BUSY, EXIT_FAILED, account
from indexing.models import IndexState, RebuildRun

EXIT_CODES = "Exit codes: 0 done, 1 refused or failed, 2 usage, 3 a run is going."


def command_actor() -> Actor:
    return Actor(name=account(), via=RebuildRun.Via.COMMAND)


class VersionDecisionCommand(BaseCommand):
    """A command about one version, with a reason. `decide` does it; `done` says so."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", type=int, help="the version")
        parser.add_argument("--reason", required=True, help="why: kept with the version")
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def decide(self, number: int, actor: Actor, reason: str, options: dict[str, Any]) -> str:
        """Take the decision and return the sentence that says so. Raises the IndexingError family."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        number = options["number"]
        try:
            sentence = self.decide(number, command_actor(), options["reason"], options)
        except IndexingError as error:
            if options["json"]:
                self.stdout.write(json.dumps(answer(number, error=translated(error))))
            code = EXIT_BUSY if isinstance(error, Busy) else EXIT_FAILED
            raise CommandError(visible(translated(error)), returncode=code) from error
        self.stdout.write(json.dumps(answer(number)) if options["json"] else sentence)

    def confirm(self, question: str) -> None:
        """Ask on the terminal, on stderr so that stdout holds nothing but the answer. Raises CommandError."""
        self.stderr.write(f"{question} [y/N] ", ending="")
        self.stderr.flush()
        typed = sys.stdin.readline()
        if not typed:
            raise CommandError(_("Nobody is there to ask: use --noinput."), returncode=EXIT_FAILED)
        if typed.strip().lower() not in ("y", "yes"):
            raise CommandError(_("Nothing was changed."), returncode=EXIT_FAILED)


def answer(number: int, error: str = "") -> dict[str, Any]:
    return {"version": number, "done": not error, "error": error or None, "live": IndexState.read().live_version_id}
