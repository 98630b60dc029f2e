"""Compares a file of experts with the directory and plans what an import would do. Writes nothing.

The rules:

- A username identifies an expert: see `matching`. The directory's spelling stays.
- A column that is not in the file leaves its field unchanged. An empty cell empties its field, except that an empty
  "Created At" is ignored.
- Without `sync`, nobody is activated or deactivated. With it, the file is the full list: active experts who are not
  in it are deactivated, and inactive ones who are in it are activated, as a change of `is_active`. Somebody whose
  row was rejected or skipped does not count as missing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _

from experts.identity import identity_key, without_conflict
from experts.importing.conventions import Conventions, work_out
from experts.importing.errors import ImportFailed, Rejection
from experts.importing.made import makes_usernames
from experts.importing.matching import CHOICES, SKIP, Conflict, Match, Matcher
from experts.importing.options import ImportOptions
from experts.importing.tables import ImportTable, open_table
from experts.importing.values import URLS, read_values, value_reader
from experts.models import Expert

BATCH = 1_000
"""Rows that are read and compared at a time, so that memory grows with the changes and not with the file."""

_DIGESTED = (
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
    "email",
    "phone",
    "city",
    "country",
    "languages",
    "availability",
    "available_from",
    "links",
)


@dataclass(frozen=True, slots=True)
class ExpertChange:
    """The fields of one expert that the file would change."""

    id: int
    username: str
    name: str
    job_title: str
    fields: dict[str, tuple[Any, Any]]
    """Field name -> (value in the directory, value in the file)."""


@dataclass(frozen=True, slots=True)
class MissingExpert:
    """An active expert who is not in the file."""

    id: int
    username: str
    name: str
    job_title: str


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """How many experts; for `rejected` and `skipped`, how many rows."""

    new: int
    changed: int
    unchanged: int
    missing: int
    rejected: int
    skipped: int


@dataclass(slots=True)
class ImportPlan:
    """What an import would do; nothing of it is in the database yet."""

    sync: bool
    table: ImportTable
    conventions: Conventions
    new: list[Expert] = field(default_factory=list)
    changed: list[ExpertChange] = field(default_factory=list)
    unchanged: int = 0
    missing: list[MissingExpert] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    """Rows whose username reads like somebody else's; those that are refused are among the rejected ones too."""
    hidden: int = 0
    """Inactive experts who are in the file and stay inactive, because `sync` is not set."""
    active: int = 0
    """Active experts in the directory."""
    columns_chosen: bool = False
    """Somebody chose what the columns fill, which the next file with these headers follows."""
    dropped_urls: int = 0
    """Web addresses that are left out, because they are not valid."""

    @property
    def unknown_columns(self) -> tuple[str, ...]:
        return self.table.unknown_columns

    @property
    def counts(self) -> ImportCounts:
        return ImportCounts(
            len(self.new),
            len(self.changed),
            self.unchanged,
            len(self.missing),
            len({row.line for row in self.rejected}),
            sum(conflict.outcome == SKIP for conflict in self.conflicts),
        )

    @property
    def deactivated(self) -> list[MissingExpert]:
        """The experts that the import deactivates."""
        return self.missing if self.sync else []

    @property
    def does_nothing(self) -> bool:
        return not (self.new or self.changed or self.deactivated)

    @property
    def needs_confirmation(self) -> bool:
        """It deactivates more of the directory than a new version of the index may lack: somebody states how many."""
        return len(self.deactivated) > settings.TCS_GATE_MAX_LOST * self.active

    @property
    def needs_choice(self) -> bool:
        """Numbers of the file can be read in two ways: until somebody says how, nothing can be imported."""
        return any(row.asks for row in self.rejected)

    @property
    def digest(self) -> str:
        """64 hex characters that differ as soon as anything differs that the plan would do or rejects."""
        digest = hashlib.sha256()
        parts: Iterator[object] = (
            part
            for group in (
                (self.sync, self.unchanged, self.hidden),
                ([getattr(expert, name) for name in _DIGESTED] for expert in self.new),
                self.changed,
                self.missing,
                self.rejected,
                self.conflicts,
            )
            for part in group
        )
        for part in parts:
            digest.update(repr(part).encode("utf-8", "surrogatepass"))
            digest.update(b"\0")
        return digest.hexdigest()


def make_plan(file: BinaryIO, options: ImportOptions | None = None, *, rows_file: Path | None = None) -> ImportPlan:
    """Compare `file` (binary, seekable) with the directory. Raises ImportFailed if it cannot be read.

    `rows_file` keeps the rows of a spreadsheet, see `sources.open_source`.
    """
    options = options or ImportOptions()
    if options.same_names and options.same_names not in CHOICES:
        raise ImportFailed(_("What to do with usernames that read the same is not one of the choices."))
    table = open_table(file, options, rows_file)
    plan = ImportPlan(options.sync, table, work_out(table.rows(), table.fields, options))
    matcher = Matcher(options.same_names, made=makes_usernames(table.fields))
    undecided: set[str] = set()
    rows, some = _valid_rows(plan, undecided), False
    while batch := list(islice(rows, BATCH)):
        some = True
        experts = matcher.experts(values["username"] for _line, values in batch)
        for line, values in batch:
            _add(plan, matcher.match(line, values, experts), line, values, undecided)
    if not some and not plan.rejected:
        raise ImportFailed(_("The file has a header but no experts."))
    plan.rejected.sort(key=lambda each: each.line)
    plan.missing = list(_missing(matcher, undecided))
    plan.columns_chosen = bool(options.columns)
    plan.active = Expert.objects.active().count()
    return plan


def _missing(matcher: Matcher, undecided: set[str]) -> Iterator[MissingExpert]:
    active = Expert.objects.active().order_by("pk")
    for expert in active.only("username", "username_key", "first_name", "last_name", "job_title").iterator():
        if not matcher.covers(expert.pk) and without_conflict(expert.username_key) not in undecided:
            yield MissingExpert(expert.pk, expert.username, expert.full_name, expert.job_title)


def _valid_rows(plan: ImportPlan, undecided: set[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line and values of each valid row. Adds to the plan's rejections, and their usernames' keys to `undecided`."""
    read = value_reader(plan.conventions)
    urls = [name for name in (*URLS, "links") if name in plan.table.fields]
    for row in plan.table.rows():
        if isinstance(row, Rejection):
            problems = [row]
            values: dict[str, Any] = {}
        else:
            values, problems = read_values(row, read)
        if not problems:
            plan.dropped_urls += sum(name not in values for name in urls)
            yield row.line, values
            continue
        plan.rejected += problems
        undecided.add(identity_key(problems[0].username))


def _add(plan: ImportPlan, match: Match, line: int, values: dict[str, Any], undecided: set[str]) -> None:
    """Add a row to the plan as new, changed or unchanged, or as rejected or skipped."""
    if match.conflict:
        plan.conflicts.append(match.conflict)
    if not match.is_used:
        undecided.add(identity_key(match.username))
        if match.duplicate_of:
            fix = _("Line %(line)s has the same username. Remove one of the two rows.") % {"line": match.duplicate_of}
            plan.rejected.append(Rejection(line, "Username", match.username, fix, match.username))
        elif match.conflict and match.conflict.outcome != SKIP:
            fix = _("%(why)s Rename one, or choose what to do with such rows.") % {"why": match.conflict.why}
            plan.rejected.append(Rejection(line, "Username", match.username, fix, match.username))
        return
    expert = match.expert
    if expert is None:
        plan.new.append(Expert(**values | {"username": match.username}))
        return
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
        plan.changed.append(ExpertChange(expert.pk, expert.username, expert.full_name, expert.job_title, fields))
    else:
        plan.unchanged += 1
