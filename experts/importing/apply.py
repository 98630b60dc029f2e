"""Writes the plan of an import to the database: all of it or nothing, with or without entries in the history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from experts.admin_history import log_added, log_changed, log_summary
from experts.importing.cells import shorten
from experts.importing.errors import ImportFailed, RowsRejected, TooManyDeactivated
from experts.importing.plan import BATCH, ExpertChange, ImportPlan
from experts.importing.records import remember
from experts.importing.remembered import remember_columns
from experts.models import Expert, ImportRecord

IMPORTED = gettext_noop(
    "Imported %(file)s: %(new)s new, %(changed)s changed, %(deactivated)s deactivated, %(unchanged)s unchanged,"
    " %(rejected)s rejected."
)
MAX_LOGGED_EXPERTS = 1_000
"""An import that touches more experts leaves only one summary: a million entries would bury the history."""


def check_applicable(plan: ImportPlan, *, skip_bad: bool) -> None:
    """Raises RowsRejected if rows are rejected and may not be skipped, or their numbers can be read in two ways."""
    if plan.needs_choice:
        raise RowsRejected(
            _("Some numbers, such as “%(number)s”, can be read in two ways. Say which decimal mark the file uses.")
            % {"number": shorten(next(row.value for row in plan.rejected if row.asks))}
        )
    if plan.rejected and not skip_bad:
        raise RowsRejected(
            ngettext(
                "%(count)s row has errors, so nothing was imported. Fix the file, or skip bad rows.",
                "%(count)s rows have errors, so nothing was imported. Fix the file, or skip bad rows.",
                plan.counts.rejected,
            )
            % {"count": plan.counts.rejected}
        )


def check_deactivated(plan: ImportPlan, stated: int | None) -> None:
    """Raises TooManyDeactivated if the plan hides a large part of the directory and `stated` is not how many."""
    number = len(plan.deactivated)
    if plan.needs_confirmation and stated != number:
        raise TooManyDeactivated(
            _(
                "This import would deactivate %(number)s of %(active)s active experts, so nothing was imported. If"
                " this is intended, confirm the number %(number)s."
            )
            % {"number": number, "active": plan.active}
        )


def apply_plan(
    plan: ImportPlan, *, skip_bad: bool = False, user: User | None = None, file_name: str = ""
) -> ImportRecord:
    """Write the plan in one transaction; with a `user`, log it in the admin's history as an import of `file_name`.

    Returns the record by which it can be undone.

    Raises RowsRejected if rows are rejected and `skip_bad` is not set, and ImportFailed if the directory has changed
    since the plan was made (a username was taken, an expert deleted). In both cases nothing is written.
    """
    check_applicable(plan, skip_bad=skip_bad)
    try:
        with transaction.atomic():
            now = timezone.now()
            _write(plan, now)
            record = remember(plan, now, user, file_name)
            if plan.columns_chosen:
                remember_columns(plan.table.header.names, plan.table.header.fields)
            if user is not None:
                _log(plan, user, file_name)
    except (IntegrityError, _Outdated):
        raise ImportFailed(
            _("The directory was changed while the file was compared with it, so nothing was imported. Try again.")
        ) from None
    return record


class _Outdated(Exception):
    """An expert of the plan is no longer in the directory."""


def _write(plan: ImportPlan, now: datetime) -> None:
    deactivated = [expert.id for expert in plan.deactivated]
    Expert.objects.lock([change.id for change in plan.changed] + deactivated)
    Expert.objects.insert(plan.new)
    _update(plan.changed, now)
    _deactivate(deactivated, now)
    # The same time for all: when the import is undone, whoever has another one was changed since.
    new = [expert.pk for expert in plan.new]
    for start in range(0, len(new), BATCH):
        Expert.objects.filter(pk__in=new[start : start + BATCH]).update(updated_at=now)


def _update(changes: Sequence[ExpertChange], now: datetime) -> None:
    # One statement per batch of experts with the same changed fields: fields that the file leaves unchanged are not
    # written, so that an edit that somebody makes in them meanwhile stays.
    groups: dict[tuple[str, ...], list[Expert]] = defaultdict(list)
    for change in changes:
        values = {name: after for name, (_before, after) in change.fields.items()}
        groups[tuple(change.fields)].append(Expert(pk=change.id, updated_at=now, **values))
    for names, experts in groups.items():
        updated = Expert.objects.bulk_update(experts, [*names, "updated_at"], batch_size=BATCH)
        if updated != len(experts):
            raise _Outdated


def _deactivate(ids: Sequence[int], now: datetime) -> None:
    for start in range(0, len(ids), BATCH):
        Expert.objects.filter(pk__in=ids[start : start + BATCH]).deactivate(at=now)


def _log(plan: ImportPlan, user: User, file_name: str) -> None:
    """One summary of the import and, if it touches few experts, one entry for each of them."""
    counts = plan.counts
    deactivated = len(plan.deactivated)
    log_summary(user, IMPORTED, **asdict(counts) | {"file": file_name[:200], "deactivated": deactivated})
    if counts.new + counts.changed + deactivated > MAX_LOGGED_EXPERTS:
        return
    log_added(user, plan.new)
    by_fields: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for change in plan.changed:
        by_fields[tuple(change.fields)].append(change.id)
    for missing in plan.deactivated:
        by_fields["is_active",].append(missing.id)
    for fields, ids in by_fields.items():
        log_changed(user, ids, fields)
