"""Stores what an import changed: the experts that it created or deactivated, and the values that it replaced."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from typing import Any

from django.contrib.auth.models import User

from experts.importing.columns import COLUMNS
from experts.importing.plan import ImportPlan
from experts.models import Expert, ImportRecord

KEPT_IMPORTS = 20
"""How many imports can be undone. Their records are as large as the text that they replaced, compressed."""

_MARKED = (*COLUMNS.values(), "is_active")


@dataclass(frozen=True, slots=True)
class Changes:
    """What one import did. Values are as JSON has them: decimals and times are text."""

    new: list[int]
    changed: dict[int, dict[str, Any]]
    """Expert -> the replaced value of each changed field."""
    deactivated: list[int]
    after: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Expert -> the new value of each changed field; empty in the records of earlier releases."""
    marks: dict[int, str] = field(default_factory=dict)
    """New expert -> `mark_of` them as they were added; empty in the records of earlier releases."""

    @classmethod
    def of_plan(cls, plan: ImportPlan) -> Changes:
        """The changes of a plan that was written, so that new experts have their keys."""
        return cls(
            new=[expert.pk for expert in plan.new],
            changed={
                change.id: {name: before for name, (before, _after) in change.fields.items()}
                for change in plan.changed
            },
            deactivated=[expert.id for expert in plan.deactivated],
            after={
                change.id: {name: after for name, (_before, after) in change.fields.items()}
                for change in plan.changed
            },
            marks={expert.pk: mark_of(expert) for expert in plan.new},
        )

    def packed(self) -> bytes:
        """Compressed lines of JSON, compressed one by one: the replaced texts may be large."""
        compressor = zlib.compressobj()
        changed = ([pk, before, self.after.get(pk)] for pk, before in self.changed.items())
        marks = {"marks": [self.marks.get(pk, "") for pk in self.new]}
        lines: Iterable[object] = chain([self.new, self.deactivated], changed, [marks])
        packed = [compressor.compress(json.dumps(line, default=_as_text).encode() + b"\n") for line in lines]
        return b"".join([*packed, compressor.flush()])

    @classmethod
    def unpacked(cls, packed: bytes | memoryview) -> Changes:
        new, deactivated, *changed = (json.loads(line) for line in zlib.decompress(packed).splitlines())
        marks = changed.pop()["marks"] if changed and isinstance(changed[-1], dict) else []
        after = {pk: values[0] for pk, _before, *values in changed if values and values[0]}
        replaced = {pk: before for pk, before, *_after in changed}
        return cls(new, replaced, deactivated, after, dict(zip(new, marks, strict=False)))


def remember(plan: ImportPlan, at: datetime, user: User | None, file_name: str) -> ImportRecord:
    """Store what was written, in the same transaction, and forget the oldest imports."""
    record = ImportRecord.objects.create(
        at=at,
        name=user.get_username() if user else "",
        file_name=file_name[:255],
        new=len(plan.new),
        changed=len(plan.changed),
        deactivated=len(plan.deactivated),
        changes=Changes.of_plan(plan).packed(),
    )
    kept = ImportRecord.objects.values_list("pk", flat=True)[:KEPT_IMPORTS]
    ImportRecord.objects.exclude(pk__in=list(kept)).delete()
    return record


def mark_of(expert: Expert) -> str:
    """16 hex characters that differ as soon as a value differs that an import writes."""
    values = "\0".join(_plain(getattr(expert, name)) for name in _MARKED)
    return hashlib.blake2b(values.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def typed(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Values from a record as the fields of `Expert` have them."""
    kinds = {field.name: field for field in Expert._meta.fields}
    return {name: kinds[name].to_python(value) for name, value in fields.items()}


def _plain(value: object) -> str:
    """A value as text, the same before and after the database had it."""
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return "" if value is None else str(value)


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
