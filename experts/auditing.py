"""Who changed what in the directory by many at once, as entries of the admin's history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from experts.importing.plan import Plan, apply
from experts.models import Expert, ExpertTag, Tag
from experts.stored_language import kept_language

ONE_BY_ONE_UP_TO = 1_000
"""An import that touches more experts leaves one summary only: a million entries would bury the history."""


def import_audited(plan: Plan, user: User, name: str, *, skip_bad: bool = False) -> None:
    """Apply the plan and put it down to `user`, both or neither. `name` is the file's. Raises as `apply` does."""
    with transaction.atomic():
        apply(plan, skip_bad=skip_bad)
        _log_import(user, plan, name)


def _log_import(user: User, plan: Plan, name: str) -> None:
    """One summary of the import, and one entry per expert touched when they are few enough."""
    counts = plan.counts
    deactivated = plan.missing if plan.sync else []
    with kept_language():
        summary = _(
            "Imported %(file)s: %(new)s new, %(changed)s changed, %(deactivated)s deactivated,"
            " %(unchanged)s unchanged, %(rejected)s rejected."
        ) % {
            "file": name[:200],
            "new": counts.new,
            "changed": counts.changed,
            "deactivated": len(deactivated),
            "unchanged": counts.unchanged,
            "rejected": counts.rejected,
        }
    LogEntry.objects.create(
        user_id=user.pk,
        content_type=ContentType.objects.get_for_model(Expert),
        object_repr=summary[:200],
        action_flag=CHANGE,
        change_message=summary,
    )
    if counts.new + counts.changed + len(deactivated) > ONE_BY_ONE_UP_TO:
        return
    _log(user, plan.new, ADDITION, [{"added": {}}])
    by_fields: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for change in plan.changed:
        by_fields[tuple(change.fields)].append(change.id)
    for one in deactivated:
        by_fields["is_active",].append(one.id)
    for fields, ids in by_fields.items():
        log_changed(user, ids, fields)


def log_changed(
    user: User, ids: Iterable[int], fields: Iterable[str], model: type[Expert] | type[Tag] = Expert
) -> None:
    """One entry per expert (or tag): these fields were changed."""
    with translation.override(None):  # the admin translates them when it shows the entry
        labels = [str(getattr(model._meta.get_field(name), "verbose_name", name)) for name in fields]
    _log(user, model._default_manager.in_bulk(list(ids)).values(), CHANGE, [{"changed": {"fields": labels}}])


def log_tagged(user: User, experts: Iterable[Expert], tag: Tag, *, fields: Iterable[str] = ()) -> None:
    """One entry per expert, as its form would leave it: the tag was added, or these fields of its row changed."""
    with translation.override(None):  # the admin translates them when it shows the entry
        about: dict[str, Any] = {"name": str(ExpertTag._meta.verbose_name), "object": str(tag)}
        labels = [str(getattr(ExpertTag._meta.get_field(name), "verbose_name", name)) for name in fields]
    message = {"changed": about | {"fields": labels}} if labels else {"added": about}
    _log(user, experts, CHANGE, [message])


def _log(user: User, changed: Iterable[Expert | Tag], flag: int, message: list[dict[str, Any]]) -> None:
    LogEntry.objects.log_actions(user.pk, list(changed), flag, message)
