"""manage.py pin_version: protect a version from being deleted."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from indexing.audit import Actor
from indexing.management.decision_command import EXIT_CODES, VersionDecisionCommand
from indexing.versions import pinning


class Command(VersionDecisionCommand):
    help = f"Pin the live version or a kept one, so that it is never deleted; --unpin ends that. {EXIT_CODES}"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--unpin", action="store_true", help="let it be deleted in its turn again")

    def decide(self, number: int, actor: Actor, reason: str, options: dict[str, Any]) -> str:
        """Raises Refused, as `pinning.pin` and `pinning.unpin` do."""
        if options["unpin"]:
            pinning.unpin(number, actor, reason)
            return _("Version %(number)s is no longer pinned.") % {"number": number}
        pinning.pin(number, actor, reason)
        return _("Version %(number)s is pinned.") % {"number": number}
