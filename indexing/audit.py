"""Who did what to the index, from where: in the admin's own log, beside the changes to the directory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils.translation import gettext as _

from experts.safe_text import visible, without_bidi_controls
from experts.stored_language import stored_language
from indexing.errors import Refused
from indexing.lib.messages import Message, message
from indexing.lib.translation import label
from indexing.models import IndexState, RebuildRun

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MAX_REASON = 2_000


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `user` is None for a command: `name` is then the account of the operating system."""

    name: str
    via: RebuildRun.Via
    user: User | None = None
    address: str = ""

    def as_message(self) -> Message:
        """The person and the way they acted, as run logs show it, in the reader's language."""
        values = {"name": self.name, "via": label(RebuildRun.Via(self.via).label), "address": self.address}
        return Message("%(name)s (%(via)s, %(address)s)" if self.address else "%(name)s (%(via)s)", values)

    def __str__(self) -> str:
        origin = f", {self.address}" if self.address else ""
        return f"{self.name} ({RebuildRun.Via(self.via).label}{origin})"


def record(actor: Actor, message: str, **values: object) -> None:
    """Write an entry to the admin's log. A command has no user to write it for: there the run stores the name.

    `message` is marked with `gettext_noop`, and its placeholders are filled with `values`.
    """
    if actor.user is None:
        return
    with stored_language():
        done, by = _(message) % values, str(actor)
    LogEntry.objects.create(
        user=actor.user,
        content_type=ContentType.objects.get_for_model(IndexState),
        object_id="1",
        object_repr=done[:200],  # the line among the recent actions on the front page
        action_flag=CHANGE,
        change_message=f"{done} [{by}]",
    )


def required_reason(reason: str) -> str:
    """The reason as it is stored. Raises Refused for a missing or too long one."""
    stored = optional_reason(reason)
    if not stored:
        raise Refused(message("Give a reason: it is saved in the history."))
    return stored


def optional_reason(reason: str) -> str:
    """The reason as it is stored, perhaps empty. Raises Refused for one that is too long.

    It is shown in the middle of sentences, so control characters that could change them are made visible.
    """
    stored = visible(without_bidi_controls(reason)).strip()
    if len(stored) > MAX_REASON:
        raise Refused(message("The reason is too long: use at most %(limit)s characters.", limit=MAX_REASON))
    return stored
