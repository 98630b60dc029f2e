"""Compares a file of experts with the directory and plans what an import would do. Writes nothing.

The rules:

- A username identifies an expert. Upper and lower case are the same; the directory's spelling stays.
- A column that is not in the file leaves its field unchanged. An empty cell empties its field, except that an empty
  "Created At" is ignored.
- Without `sync`, nobody is activated or deactivated. With it, the file is the full list: active experts who are not
  in it are deactivated, and inactive ones who are in it are activated, as a change of `is_active`. Somebody whose
  row was rejected does not count as missing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, BinaryIO

from django.utils.translation import gettext as _

from experts.importing.errors import ImportFailed, Rejection
from experts.importing.tables import ImportRow, open_table
from experts.importing.values import read_values
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
)


@dataclass(frozen=True, slots=True)
class ExpertChange:
    """The fields of one expert that the file would change."""

    id: int
    username: str
    fields: dict[str, tuple[Any, Any]]
    """Field name -> (value in the directory, value in the file)."""


@dataclass(frozen=True, slots=True)
class MissingExpert:
    """An active expert who is not in the file."""

    id: int
    username: str


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """How many experts; for `rejected`, how many rows."""

    new: int
    changed: int
    unchanged: int
    missing: int
    rejected: int


@dataclass(slots=True)
class ImportPlan:
    """What an import would do; nothing of it is in the database yet."""

    sync: bool
    unknown_columns: tuple[str, ...]
    new: list[Expert] = field(default_factory=list)
    changed: list[ExpertChange] = field(default_factory=list)
    unchanged: int = 0
    missing: list[MissingExpert] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    hidden: int = 0
    """Inactive experts who are in the file and stay inactive, because `sync` is not set."""

    @property
    def counts(self) -> ImportCounts:
        return ImportCounts(
            len(self.new),
            len(self.changed),
            self.unchanged,
            len(self.missing),
            len({row.line for row in self.rejected}),
        )

    @property
    def deactivated(self) -> list[MissingExpert]:
        """The experts that the import deactivates."""
        return self.missing if self.sync else []

    @property
    def does_nothing(self) -> bool:
        return not (self.new or self.changed or self.deactivated)

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
            )
            for part in group
        )
        for part in parts:
            digest.update(repr(part).encode("utf-8", "surrogatepass"))
            digest.update(b"\0")
        return digest.hexdigest()


def make_plan(file: BinaryIO, *, sync: bool = False) -> ImportPlan:
    """Compare `file` (binary, seekable) with the directory. Raises ImportFailed if it cannot be read."""
    table = open_table(file)
    plan = ImportPlan(sync, table.unknown_columns)
    ids = {username.lower(): expert for expert, username in Expert.objects.values_list("pk", "username").iterator()}
    first_lines: dict[str, int] = {}
    rejected_usernames: set[str] = set()
    rows = _valid_rows(table.rows, first_lines, plan.rejected, rejected_usernames)
    while batch := list(islice(rows, BATCH)):
        _compare(batch, ids, plan)
    if not first_lines and not plan.rejected:
        raise ImportFailed(_("The file has a header but no experts."))
    plan.missing = [
        MissingExpert(expert, username)
        for expert, username in Expert.objects.active().order_by("pk").values_list("pk", "username").iterator()
        if username.lower() not in first_lines and username.lower() not in rejected_usernames
    ]
    return plan


def _valid_rows(
    rows: Iterable[ImportRow | Rejection],
    first_lines: dict[str, int],
    rejected: list[Rejection],
    rejected_usernames: set[str],
) -> Iterator[dict[str, Any]]:
    """The values of each valid row. Fills `first_lines` (username -> line of a row that could be read), `rejected`,
    and `rejected_usernames` of the other rows."""
    for row in rows:
        if isinstance(row, Rejection):
            rejected.append(row)
            rejected_usernames.add(row.username.lower())
            continue
        values, problems = read_values(row)
        key = row.cells["username"].lower()
        if first := first_lines.get(key):
            fix = _("Line %(line)s has the same username. Remove one of the two rows.") % {"line": first}
            problems.insert(0, Rejection(row.line, "Username", row.cells["username"], fix))
        rejected += problems
        if key:
            first_lines.setdefault(key, row.line)
        if not problems:
            yield values


def _compare(batch: list[dict[str, Any]], ids: dict[str, int], plan: ImportPlan) -> None:
    """Add each row of values to the plan as new, changed or unchanged; `ids` maps lower-case usernames to experts."""
    known = {ids[key] for values in batch if (key := values["username"].lower()) in ids}
    experts = Expert.objects.in_bulk(known)
    for values in batch:
        expert = experts.get(ids.get(values["username"].lower(), 0))
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
            plan.changed.append(ExpertChange(expert.pk, expert.username, fields))
        else:
            plan.unchanged += 1
