"""Entries in the admin's history for changes that are made to many experts or tags at once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils import translation
from django.utils.translation import gettext as _

from experts.models import Document, Expert, ExpertTag, RejectedTag, Tag
from experts.stored_language import stored_language


def log_added(user: User, experts: Iterable[Expert]) -> None:
    """Write one entry per expert, which says that the expert was added."""
    _log(user, experts, ADDITION, [{"added": {}}])


def log_deleted(user: User, experts: Iterable[Expert]) -> None:
    """One entry per expert: they are deleted."""
    LogEntry.objects.log_actions(user.pk, list(experts), DELETION, "")


def log_changed(
    user: User, ids: Iterable[int], fields: Iterable[str], model: type[Expert] | type[Tag] = Expert
) -> None:
    """One entry per expert (or tag): these fields were changed."""
    message = [{"changed": {"fields": _labels(model, fields)}}]
    _log(user, model._default_manager.in_bulk(list(ids)).values(), CHANGE, message)


def log_tagged(user: User, experts: Iterable[Expert], tag: Tag, *, fields: Iterable[str] = ()) -> None:
    """One entry per expert, like the one that its form leaves: `tag` was added or, with `fields`, its row changed."""
    with translation.override(None):
        about: dict[str, Any] = {"name": str(ExpertTag._meta.verbose_name), "object": str(tag)}
    labels = _labels(ExpertTag, fields)
    message = {"changed": about | {"fields": labels}} if labels else {"added": about}
    _log(user, experts, CHANGE, [message])


def log_rejected(user: User, expert: Expert, tag: Tag, *, restored: bool = False) -> None:
    """One entry: an automatic tag was rejected for this expert, or the rejection was taken back."""
    with translation.override(None):
        about = {"name": str(RejectedTag._meta.verbose_name), "object": str(tag)}
    _log(user, [expert], CHANGE, [{"deleted" if restored else "added": about}])


def log_document(user: User, document: Document, *, removed: bool = False) -> None:
    """One entry: the document was added to its expert, or removed."""
    with translation.override(None):
        about = {"name": str(Document._meta.verbose_name), "object": str(document)}
    _log(user, [document.expert], CHANGE, [{"deleted" if removed else "added": about}])


def log_photo(user: User, expert: Expert) -> None:
    """One entry: the photo was set or removed."""
    _log(user, [expert], CHANGE, [{"changed": {"fields": ["photo"]}}])


def log_summary(user: User, text: str, **values: object) -> None:
    """Write one entry about the directory as a whole, which belongs to no expert.

    `text` is marked with `gettext_noop`, and its placeholders are filled with `values`.
    """
    with stored_language():
        stored = _(text) % values
    LogEntry.objects.create(
        user_id=user.pk,
        content_type=ContentType.objects.get_for_model(Expert),
        object_repr=stored[:200],
        action_flag=CHANGE,
        change_message=json.dumps([{"summary": text, "values": values}]),
    )


def sentence(entry: LogEntry) -> str:
    """What the entry is about, in the reader's language if it is a summary; otherwise the object's name."""
    if not entry.change_message.startswith('[{"summary"'):
        return entry.object_repr
    (summary,) = json.loads(entry.change_message)
    return str(_(summary["summary"]) % summary["values"])


def _labels(model: type[models.Model], fields: Iterable[str]) -> list[str]:
    with translation.override(None):  # stored in English; the admin translates them when it shows the entry
        return [str(getattr(model._meta.get_field(name), "verbose_name", name)) for name in fields]


def _log(user: User, changed: Iterable[Expert | Tag], flag: int, message: list[dict[str, Any]]) -> None:
    LogEntry.objects.log_actions(user.pk, list(changed), flag, message)
