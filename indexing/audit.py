"""Who did what to the index, from where: in the admin's own log, beside the changes to the directory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils.translation import gettext as _

from experts.stored_language import stored_language
from indexing.models import IndexState, RebuildRun

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `user` is None for a command: `name` is then the account of the operating system."""

    name: str
    via: RebuildRun.Via
    user: User | None = None
    address: str = ""

    def __str__(self) -> str:
        origin = f", {self.address}" if self.address else ""
        return f"{self.name} ({RebuildRun.Via(self.via).label}{origin})"


def record(actor: Actor, message: str, **values: object) -> None:
    """Note it in the admin's log. Without a user there is nobody to note there: the run itself keeps the name.

    `message` is marked with `gettext_noop`; `values` are put into it.
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
