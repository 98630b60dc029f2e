"""A file of experts to a plan (new, changed, unchanged, missing, rejected), and the plan to the database.

What the rules are:

- A username identifies an expert, in any case; the directory's spelling of it stays.
- A column that the file does not have leaves its field alone; an empty cell empties the field, except that an
  empty "Created At" says nothing.
- Without `sync` nobody is shown or hidden. With it, the active experts become those of the file: the missing
  ones are deactivated, and deactivated ones that the file has are activated again (a change of `is_active`).
  Somebody whose row was rejected is not missing.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, BinaryIO

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from experts.importing.tables import ImportFailed, Rejection, Row, open_sheet
from experts.importing.values import read_values
from experts.models import Expert

BATCH = 1_000


class RowsRejected(ImportFailed):
    """The plan has rejected rows and they may not be skipped: nothing was applied."""


@dataclass(frozen=True, slots=True)
class Change:
    """What the file changes of one expert: field to (value before, value after)."""

    id: int
    username: str
    fields: dict[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Missing:
    """An active expert whom the file does not have."""

    id: int
    username: str


@dataclass(frozen=True, slots=True)
class Counts:
    new: int
    changed: int
    unchanged: int
    missing: int
    rejected: int


@dataclass(slots=True)
class Plan:
    """What an import would do; nothing of it is in the database yet."""

    sync: bool
    unknown_columns: tuple[str, ...]
    new: list[Expert] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    unchanged: int = 0
    missing: list[Missing] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    hidden: int = 0
    """Experts of the file who are deactivated and stay so, because this is no sync."""

    @property
    def counts(self) -> Counts:
        return Counts(
            len(self.new),
            len(self.changed),
            self.unchanged,
            len(self.missing),
            len({row.line for row in self.rejected}),
        )

    @property
    def does_nothing(self) -> bool:
        return not (self.new or self.changed or (self.sync and self.missing))

    @property
    def digest(self) -> str:
        """64 hex characters that differ when anything that the plan would do, or rejects, differs."""
        digest = hashlib.sha256()
        parts: Iterator[object] = (
            part
            for group in (
                (self.sync, self.unchanged, self.hidden),
                ([getattr(expert, name) for name in _COMPARED] for expert in self.new),
                self.changed,
                self.missing,
                self.rejected,
            )
            for part in group
        )
        for part in parts:
            digest.update(repr(part).encode("utf-8", "surrogatepass"))
            digest.update(b"\0")
        return digest.hexdigest()


_COMPARED = (
    "username",
    "first_name",
    "last_name",
    "job_title",
    "company",
    "bio",
    "hourly_rate",
    "currency",
    "profile_url",
    "photo_url",
    "category",
)


def make_plan(file: BinaryIO, *, sync: bool = False) -> Plan:
    """Compare `file` (binary, seekable) with the directory. Raises ImportFailed when it cannot be read at all.

    Rows are read and compared 1,000 at a time, so that memory follows what changes and not what the file holds.
    """
    sheet = open_sheet(file)
    plan = Plan(sync, sheet.unknown)
    known = {username.lower(): expert for expert, username in Expert.objects.values_list("pk", "username").iterator()}
    lines: dict[str, int] = {}
    spared: set[str] = set()
    rows = _checked(sheet.rows, lines, plan.rejected, spared)
    while batch := list(islice(rows, BATCH)):
        _compare(batch, known, plan)
    if not lines and not plan.rejected:
        raise ImportFailed(_("The file has a header but no experts."))
    plan.missing = [
        Missing(expert, username)
        for expert, username in Expert.objects.active().order_by("pk").values_list("pk", "username").iterator()
        if username.lower() not in lines and username.lower() not in spared
    ]
    return plan


def _checked(
    rows: Iterable[Row | Rejection], lines: dict[str, int], rejected: list[Rejection], spared: set[str]
) -> Iterator[dict[str, Any]]:
    """The values of the good rows; notes the line of each username, and what is rejected and whose it is."""
    for row in rows:
        if isinstance(row, Rejection):
            rejected.append(row)
            spared.add(row.username.lower())
            continue
        values, problems = read_values(row)
        key = row.cells["username"].lower()
        if first := lines.get(key):
            mend = _("The same username is in line %(line)s already: keep one of the two.") % {"line": first}
            problems.insert(0, Rejection(row.line, "Username", row.cells["username"], mend))
        if problems:
            rejected += problems
            spared.add(key)
        if key:
            lines.setdefault(key, row.line)
        if not problems:
            yield values


def _compare(batch: list[dict[str, Any]], known: dict[str, int], plan: Plan) -> None:
    ids = {known[key] for values in batch if (key := values["username"].lower()) in known}
    experts = Expert.objects.in_bulk(ids)
    for values in batch:
        expert = experts.get(known.get(values["username"].lower(), 0))
        if expert is None:
            plan.new.append(Expert(**values))
            continue
        fields = {
            name: (before, value)
            for name, value in values.items()
            if name != "username" and (before := getattr(expert, name)) != value
        }
        if not expert.is_active and plan.sync:
            fields["is_active"] = (False, True)
        elif not expert.is_active:
            plan.hidden += 1
        if fields:
            plan.changed.append(Change(expert.pk, expert.username, fields))
        else:
            plan.unchanged += 1


def check_applicable(plan: Plan, *, skip_bad: bool) -> None:
    """Raises RowsRejected when rows are rejected and may not be skipped."""
    if plan.rejected and not skip_bad:
        raise RowsRejected(
            ngettext(
                "%(count)s row of the file is rejected, so nothing is applied: mend it, or skip bad rows.",
                "%(count)s rows of the file are rejected, so nothing is applied: mend them, or skip bad rows.",
                plan.counts.rejected,
            )
            % {"count": plan.counts.rejected}
        )


def apply(plan: Plan, *, skip_bad: bool = False) -> None:
    """Write the plan in one transaction: all of it, or nothing and an ImportFailed that says why.

    Raises RowsRejected when rows are rejected and `skip_bad` is not set. Should the directory have changed
    since the plan was made (a username taken, an expert deleted), nothing is applied either.
    """
    check_applicable(plan, skip_bad=skip_bad)
    now = timezone.now()
    try:
        with transaction.atomic():
            written = [change.id for change in plan.changed] + [one.id for one in plan.missing if plan.sync]
            Expert.objects.lock(written)
            Expert.objects.bulk_create(plan.new, batch_size=BATCH)
            _update(plan.changed, now)
            if plan.sync:
                _deactivate(plan.missing, now)
    except (IntegrityError, _Outdated):
        raise ImportFailed(
            _("The directory was changed while the file was compared with it; nothing was applied. Import it again.")
        ) from None


class _Outdated(Exception):
    pass


def _update(changes: list[Change], now: Any) -> None:
    """One statement per batch of experts with the same changed fields: what the file leaves alone is not written,
    so an edit that somebody makes meanwhile in another field stays."""
    groups: dict[tuple[str, ...], list[Expert]] = defaultdict(list)
    for change in changes:
        values = {name: after for name, (_before, after) in change.fields.items()}
        groups[tuple(change.fields)].append(Expert(pk=change.id, updated_at=now, **values))
    for names, experts in groups.items():
        updated = Expert.objects.bulk_update(experts, [*names, "updated_at"], batch_size=BATCH)
        if updated != len(experts):
            raise _Outdated


def _deactivate(missing: list[Missing], now: Any) -> None:
    ids = [one.id for one in missing]
    for start in range(0, len(ids), BATCH):
        Expert.objects.filter(pk__in=ids[start : start + BATCH]).deactivate()
