"""manage.py publish_version: make a held version live."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from indexing import publishing
from indexing.audit import Actor
from indexing.management.deciding import EXIT_CODES, Decision


class Command(Decision):
    help = f"Publish a version that the gate held, with a reason. {EXIT_CODES}"

    def decide(self, number: int, actor: Actor, reason: str, options: dict[str, Any]) -> str:
        publishing.approve(number, actor, reason)
        return _("Version %(number)s is live.") % {"number": number}
