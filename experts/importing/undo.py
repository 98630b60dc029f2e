"""Undoes an import: new experts are deleted, replaced values come back, deactivated experts are activated.

A field that somebody changed since the import is a conflict: it stays, is listed with both values, and hinders no
other field of the same expert. A new expert who was changed since is left alone, and named. An import can be undone
once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from experts.admin_history import log_changed, log_summary
from experts.importing.apply import MAX_LOGGED_EXPERTS
from experts.importing.errors import ImportFailed
from experts.importing.plan import BATCH
from experts.importing.records import Changes, mark_of, typed
from experts.models import Expert, ExpertTag, ImportRecord, ShortlistEntry

UNDONE = gettext_noop(
    "Undid the import of %(file)s: %(deleted)s deleted, %(restored)s restored, %(activated)s activated,"
    " %(left)s left alone."
)


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """An expert who stays as they are, and why."""

    username: str
    why: str


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """A field that was changed since the import, and stays as it is."""

    username: str
    field: str
    before: Any
    """before the import"""
    now: Any

    @property
    def label(self) -> str:
        return str(getattr(Expert._meta.get_field(self.field), "verbose_name", self.field))


@dataclass(slots=True)
class UndoPlan:
    """What undoing an import would do; nothing of it is in the database yet."""

    delete: list[int] = field(default_factory=list)
    restore: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Expert -> the values that come back."""
    activate: list[int] = field(default_factory=list)
    left_alone: list[LeftAlone] = field(default_factory=list)
    conflicts: list[FieldConflict] = field(default_factory=list)
    gone: int = 0
    """Experts of the import who were deleted since."""

    @property
    def does_nothing(self) -> bool:
        return not (self.delete or self.restore or self.activate)


def plan_undo(record: ImportRecord) -> UndoPlan:
    """What undoing the import would do now. Raises ImportFailed if it was undone already."""
    if record.undone_at:
        raise ImportFailed(_("This import was undone already."))
    changes, plan = Changes.unpacked(record.changes), UndoPlan()
    used = _used(changes.new)
    new = list(_present(changes.new, record.at, plan))
    as_added = _as_added([pk for pk, _username, same in new if not same], changes)
    for pk, username, same in new:
        if not (same or pk in as_added):
            plan.left_alone.append(LeftAlone(username, _("was changed since")))
        elif pk in used:
            plan.left_alone.append(LeftAlone(username, _("has manual tags, or is used elsewhere, by now")))
        else:
            plan.delete.append(pk)
    edited = []
    for pk, username, same in _present(changes.changed, record.at, plan):
        if same:
            plan.restore[pk] = changes.changed[pk]
        elif pk in changes.after:
            edited.append(pk)
        else:  # a record of an earlier release
            plan.left_alone.append(LeftAlone(username, _("was changed since")))
    _plan_edited(edited, changes, plan)
    present = [pk for pk, _username, _same in _present(changes.deactivated, record.at, plan)]
    for batch in _batches(present):
        plan.activate += (
            Expert.objects.filter(pk__in=batch, is_active=False).order_by("pk").values_list("pk", flat=True)
        )
    return plan


def _as_added(ids: list[int], changes: Changes) -> set[int]:
    """Of new experts that were written since, those who are as the import added them.

    A later import was undone, or a photo was fetched from the link that they came with; nobody edited them.
    """
    found = set()
    for batch in _batches(ids):
        for expert in Expert.objects.filter(pk__in=batch):
            own_photo = expert.photo_file and not expert.photo_fetched_from
            if not own_photo and mark_of(expert) == changes.marks.get(expert.pk):
                found.add(expert.pk)
    return found


def _plan_edited(ids: list[int], changes: Changes, plan: UndoPlan) -> None:
    """Of experts that were changed since: the fields that are as the import left them come back."""
    for batch in _batches(ids):
        for expert in Expert.objects.filter(pk__in=batch).order_by("pk"):
            before, after = typed(changes.changed[expert.pk]), typed(changes.after[expert.pk])
            back = {}
            for name, value in changes.changed[expert.pk].items():
                now = getattr(expert, name)
                if now == after[name]:
                    back[name] = value
                elif now != before[name]:
                    plan.conflicts.append(FieldConflict(expert.username, name, before[name], now))
            if back:
                plan.restore[expert.pk] = back


def undo(record_id: int, user: User | None) -> UndoPlan:
    """Undo the import in one transaction, as far as nobody changed the values since; returns what was done.

    Raises ImportRecord.DoesNotExist, and ImportFailed if it was undone already.
    """
    with transaction.atomic():
        record = ImportRecord.objects.select_for_update().get(pk=record_id)
        changes = Changes.unpacked(record.changes)
        Expert.objects.lock([*changes.new, *changes.changed, *changes.deactivated])
        plan, now = plan_undo(record), timezone.now()
        _write(plan, now)
        if user:
            _log(plan, record, user)
        ImportRecord.objects.filter(pk=record.pk).update(
            undone_at=now, undone_name=user.get_username() if user else ""
        )
    return plan


def _present(ids: Iterable[int], at: datetime, plan: UndoPlan) -> Iterator[tuple[int, str, bool]]:
    """Key and username of each expert, and whether nobody changed them since; counts those who are gone in `plan`."""
    for batch in _batches(list(ids)):
        rows = Expert.objects.filter(pk__in=batch).order_by("pk").values_list("pk", "username", "updated_at")
        plan.gone += len(batch) - len(rows)
        for pk, username, updated_at in rows:
            yield pk, username, updated_at == at


def _used(ids: list[int]) -> set[int]:
    """The experts among `ids` that a person has connected with something: all but automatic tags."""
    used: set[int] = set()
    links = [(relation.related_model, relation.field.name) for relation in Expert._meta.related_objects]
    links.append((ShortlistEntry, "expert"))  # which has no name in `Expert`
    for model, name in links:
        rows: models.QuerySet[Any] = model._base_manager.all()
        if model is ExpertTag:
            rows = rows.filter(source=ExpertTag.Source.MANUAL)
        for batch in _batches(ids):
            used.update(set(rows.filter(**{f"{name}__in": batch}).values_list(name, flat=True)).intersection(batch))
    return used


def _write(plan: UndoPlan, now: datetime) -> None:
    for batch in _batches(plan.delete):
        Expert.objects.filter(pk__in=batch).delete()
    groups: dict[tuple[str, ...], list[Expert]] = defaultdict(list)
    for pk, fields in plan.restore.items():
        groups[tuple(fields)].append(Expert(pk=pk, updated_at=now, **typed(fields)))
    for names, experts in groups.items():
        Expert.objects.bulk_update(experts, [*names, "updated_at"], batch_size=BATCH)
    for batch in _batches(plan.activate):
        Expert.objects.filter(pk__in=batch).activate()


def _log(plan: UndoPlan, record: ImportRecord, user: User) -> None:
    """One summary and, if few experts are touched, one entry for each that is still there."""
    log_summary(
        user,
        UNDONE,
        file=record.file_name[:200],
        deleted=len(plan.delete),
        restored=len(plan.restore),
        activated=len(plan.activate),
        left=len(plan.left_alone),
    )
    if len(plan.restore) + len(plan.activate) > MAX_LOGGED_EXPERTS:
        return
    by_fields: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for pk, fields in plan.restore.items():
        by_fields[tuple(fields)].append(pk)
    by_fields["is_active",] += plan.activate
    for names, ids in by_fields.items():
        log_changed(user, ids, names)


def _batches(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]
