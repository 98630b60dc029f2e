"""manage.py discard_version: discard a held version."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from indexing.audit import Actor
from indexing.management.decision_command import EXIT_CODES, VersionDecisionCommand
from indexing.versions import decisions


class Command(VersionDecisionCommand):
    help = f"Discard a held version. Its files are deleted after the next run. {EXIT_CODES}"

    def decide(self, number: int, actor: Actor, reason: str, options: dict[str, Any]) -> str:
        """Raises Refused, as `decisions.discard` does."""
        decisions.discard(number, actor, reason)
        return _("Version %(number)s was discarded.") % {"number": number}
