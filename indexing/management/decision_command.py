"""What the commands that decide about versions share: the actor, the reason, the output and the exit codes."""

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

EXIT_CODES = "Exit codes: 0 done, 1 refused or failed, 2 usage, 3 another run is active."


def command_actor() -> Actor:
    return Actor(name=account(), via=RebuildRun.Via.COMMAND)


class VersionDecisionCommand(BaseCommand):
    """A command that decides about one version, for a reason. A subclass implements `decide`."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", type=int, help="the number of the version")
        parser.add_argument("--reason", required=True, help="why; saved with the version")
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def decide(self, number: int, actor: Actor, reason: str, options: dict[str, Any]) -> str:
        """Carry out the decision and return a sentence that reports it. Raises the IndexingError family."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit codes: 0 done, 1 refused or failed, 2 usage, 3 another run is active. Raises CommandError."""
        number = options["number"]
        try:
            sentence = self.decide(number, command_actor(), options["reason"], options)
        except IndexingError as error:
            if options["json"]:
                self.stdout.write(json.dumps(_outcome(number, error=translated(error))))
            code = EXIT_BUSY if isinstance(error, Busy) else EXIT_FAILED
            raise CommandError(visible(translated(error)), returncode=code) from error
        self.stdout.write(json.dumps(_outcome(number)) if options["json"] else sentence)

    def confirm(self, question: str) -> None:
        """Ask on stderr, so that stdout has nothing but the result. Raises CommandError unless the answer is yes."""
        self.stderr.write(f"{question} [y/N] ", ending="")
        self.stderr.flush()
        typed = sys.stdin.readline()
        if not typed:
            raise CommandError(_("There is no terminal to confirm on. Use --noinput."), returncode=EXIT_FAILED)
        if typed.strip().lower() not in ("y", "yes"):
            raise CommandError(_("Nothing was changed."), returncode=EXIT_FAILED)


def _outcome(number: int, error: str = "") -> dict[str, Any]:
    return {"version": number, "done": not error, "error": error or None, "live": IndexState.read().live_version_id}
