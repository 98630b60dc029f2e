"""Pins: a pinned version is never deleted, however many come after it, and does not count among those kept."""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from indexing import audit
from indexing.audit import Actor
from indexing.errors import Refused
from indexing.lib import doorbell
from indexing.lib.messages import message
from indexing.models import IndexState, IndexVersion

logger = logging.getLogger(__name__)
State = IndexVersion.State

PINNABLE = (State.LIVE, State.KEPT)
"""A held version stays until somebody decides about it; in the other states it has no files, or not all yet."""


def pin(number: int, actor: Actor, reason: str) -> None:
    """Protect a version from being deleted. Raises Refused: no reason, pinned already, or neither live nor kept."""
    reason = audit.required_reason(reason)
    with transaction.atomic():
        version = _locked_version(number)
        if version.state not in PINNABLE:
            raise Refused(
                message(
                    "Version %(number)s is %(state)s. Only the live version and kept ones can be pinned.",
                    number=number,
                    state=version.state_label,
                )
            )
        if version.pinned_at:
            raise Refused(
                message(
                    "Version %(number)s is already pinned by %(who)s: %(reason)s",
                    number=number,
                    who=version.pinned_name,
                    reason=version.pinned_reason,
                )
            )
        _store_pin(version, timezone.now(), actor.name, reason)
        audit.record(actor, gettext_noop("Pinned version %(number)s: %(reason)s"), number=number, reason=reason)
    logger.info("Version %s was pinned by %s.", number, actor)
    doorbell.ring()


def unpin(number: int, actor: Actor, reason: str) -> None:
    """Let a version be deleted in its turn again. Raises Refused: no reason, or not pinned."""
    reason = audit.required_reason(reason)
    with transaction.atomic():
        version = _locked_version(number)
        if not version.pinned_at:
            raise Refused(message("Version %(number)s is not pinned.", number=number))
        _store_pin(version, None, "", "")
        audit.record(actor, gettext_noop("Unpinned version %(number)s: %(reason)s"), number=number, reason=reason)
    logger.info("Version %s was unpinned by %s.", number, actor)
    doorbell.ring()


def _locked_version(number: int) -> IndexVersion:
    """The version, with the state row locked: the sweep locks it too, so it deletes none that is being pinned."""
    IndexState.locked()
    version: IndexVersion | None = IndexVersion.objects.filter(pk=number).first()
    if version is None:
        raise Refused(message("There is no version %(number)s.", number=number))
    return version


def _store_pin(version: IndexVersion, at: object, name: str, reason: str) -> None:
    IndexVersion.objects.filter(pk=version.pk).update(pinned_at=at, pinned_name=name, pinned_reason=reason)
