"""Who did what to the index, from where: in the admin's own log, beside the changes to the directory.

An entry holds the sentence twice: as text in the installation's language (`object_repr`), for people with a shell,
and as data (`change_message`), which pages show in the reader's language.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType

from experts import admin_history
from experts.safe_text import visible, without_bidi_controls
from indexing.errors import Refused
from indexing.lib.messages import Message, message
from indexing.lib.translation import label, stored_text, translated
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


def record(actor: Actor, text: str, **values: object) -> None:
    """Write an entry to the admin's log. A command has no user to write it for: there the run stores the name.

    `text` is marked with `gettext_noop`, and its placeholders are filled with `values`.
    """
    if actor.user is None:
        return
    done = message(text, **values)
    LogEntry.objects.create(
        user=actor.user,
        content_type=ContentType.objects.get_for_model(IndexState),
        object_id="1",
        object_repr=stored_text(done)[:200],
        action_flag=CHANGE,
        change_message=json.dumps([{"message": done.as_dict(), "by": actor.as_message().as_dict()}]),
    )


def sentence(entry: LogEntry, *, by: bool = False) -> str:
    """What an entry says, in the reader's language, and with `by` also who did it and from where.

    Entries that something else wrote, or an older release, are shown as they were stored.
    """
    found = _stored(entry)
    if found is None:
        return admin_history.sentence(entry)
    done = translated(Message.from_dict(found["message"]))
    return f"{done} [{translated(Message.from_dict(found['by']))}]" if by else done


def _stored(entry: LogEntry) -> dict[str, Any] | None:
    try:
        (found,) = json.loads(entry.change_message)
        return found if "message" in found else None
    except (ValueError, TypeError):
        return None


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
