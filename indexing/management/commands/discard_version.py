"""manage.py discard_version: give up a held version."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from indexing.audit import Actor
from indexing.management.decision_command import EXIT_CODES, VersionDecisionCommand
from indexing.versions import decisions


class Command(VersionDecisionCommand):
    help = f"Discard a version that the gate held, with a reason; the next run deletes its files. {EXIT_CODES}"

    def decide(self, number: int, actor: Actor, reason: str, options: dict[str, Any]) -> str:
        decisions.discard(number, actor, reason)
        return _("Version %(number)s is discarded.") % {"number": number}
