"""manage.py publish_version: publish a held version."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from indexing.audit import Actor
from indexing.management.decision_command import EXIT_CODES, VersionDecisionCommand
from indexing.versions import decisions


class Command(VersionDecisionCommand):
    help = f"Publish a held version. {EXIT_CODES}"

    def decide(self, number: int, actor: Actor, reason: str, options: dict[str, Any]) -> str:
        """Raises Refused and SnapshotInvalid, as `decisions.approve` does."""
        decisions.approve(number, actor, reason)
        return _("Version %(number)s is live.") % {"number": number}
