"""Pins: a version that is pinned is never swept, however many come after it, and takes no other one's place."""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from indexing import audit, reasons
from indexing.audit import Actor
from indexing.errors import Refused
from indexing.lib import doorbell
from indexing.lib.messages import message
from indexing.models import IndexState, IndexVersion

logger = logging.getLogger(__name__)
State = IndexVersion.State

PINNABLE = (State.LIVE, State.RETIRED)
"""A held one stays until somebody has decided about it; the others have no files, or not all of them yet."""


def pin(number: int, actor: Actor, reason: str) -> None:
    """Keep a version from being swept. Raises Refused (no reason, pinned already, live nor kept)."""
    reason = reasons.required(reason)
    with transaction.atomic():
        version = _found(number)
        if version.state not in PINNABLE:
            raise Refused(
                message(
                    "Version %(number)s is %(state)s: only a version that is live or kept can be pinned.",
                    number=number,
                    state=version.state_label,
                )
            )
        if version.pinned_at:
            raise Refused(
                message(
                    "Version %(number)s is pinned already, by %(who)s: %(reason)s",
                    number=number,
                    who=version.pinned_name,
                    reason=version.pinned_reason,
                )
            )
        _note(version, timezone.now(), actor.name, reason)
        audit.record(actor, gettext_noop("Pinned version %(number)s: %(reason)s"), number=number, reason=reason)
    logger.info("Version %s is pinned by %s.", number, actor)
    doorbell.ring()


def unpin(number: int, actor: Actor, reason: str) -> None:
    """Let a version be swept in its turn again. Raises Refused (no reason, not pinned)."""
    reason = reasons.required(reason)
    with transaction.atomic():
        version = _found(number)
        if not version.pinned_at:
            raise Refused(message("Version %(number)s is not pinned.", number=number))
        _note(version, None, "", "")
        audit.record(actor, gettext_noop("Unpinned version %(number)s: %(reason)s"), number=number, reason=reason)
    logger.info("Version %s is no longer pinned, by %s.", number, actor)
    doorbell.ring()


def _found(number: int) -> IndexVersion:
    """The version, under the lock row: the sweep takes it too, so no version goes while it is being pinned."""
    IndexState.locked()
    version: IndexVersion | None = IndexVersion.objects.filter(pk=number).first()
    if version is None:
        raise Refused(message("There is no version %(number)s.", number=number))
    return version


def _note(version: IndexVersion, at: object, name: str, reason: str) -> None:
    IndexVersion.objects.filter(pk=version.pk).update(pinned_at=at, pinned_name=name, pinned_reason=reason)
