"""manage.py rollback_index: make a kept version live again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from indexing.audit import Actor
from indexing.management.decision_command import EXIT_CODES, VersionDecisionCommand
from indexing.versions import decisions, rollback_effect


class Command(VersionDecisionCommand):
    help = (
        "Show what going back to a kept version would change, ask, and make it live again. No rebuild is needed. "
        f"Scheduled rebuilds are paused until `manage.py release_schedule`. {EXIT_CODES}"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--noinput", "--no-input", action="store_false", dest="ask", help="do not ask")

    def decide(self, number: int, actor: Actor, reason: str, options: dict[str, Any]) -> str:
        """Raises Busy, Refused and SnapshotInvalid, as `decisions.roll_back` does; CommandError if not confirmed."""
        effect = rollback_effect.rollback_effect(number)
        self.stderr.write(effect.sentence)
        if options["ask"]:
            self.confirm(_("Roll back to version %(number)s?") % {"number": number})
        decisions.roll_back(number, actor, reason)
        return _("Rolled back: version %(number)s is live. Scheduled rebuilds are paused.") % {"number": number}
