"""What changed of experts: between two versions, or between a version and the directory as it is now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experts.models import Expert
from experts.profiles.records import FIELDS
from indexing.snapshot.profiles import Profile, name_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFields:
    """Experts who are on both sides and differ, and in which fields."""

    changed: NDArray[np.int64]
    """ids, int64[m], rising"""
    in_field: NDArray[np.bool_]
    """bool[m, fields]: which of `experts.profiles.records.FIELDS` changed, for each of the m experts."""

    @property
    def fields(self) -> dict[str, int]:
        """Field -> how many experts changed in it, without the fields that nobody changed in."""
        return {name: n for name, n in zip(FIELDS, self.in_field.sum(axis=0).tolist(), strict=True) if n}

    def changed_in(self, field: str) -> NDArray[np.int64]:
        """The ids, int64[k], rising, of those who changed in the field; of all who changed if it is not a field."""
        return self.changed[self.in_field[:, list(FIELDS).index(field)]] if field in FIELDS else self.changed

    def fields_of(self, expert_id: int) -> tuple[str, ...]:
        """The fields that the expert changed in; empty if they did not change."""
        row = int(np.searchsorted(self.changed, expert_id))
        if row == len(self.changed) or self.changed[row] != expert_id:
            return ()
        return tuple(name for name, differs in zip(FIELDS, self.in_field[row], strict=True) if differs)


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of one expert, before and after; values as `experts.profiles.records.FIELDS` gives them.

    None: an older release built that version and did not store the field.
    """

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class ListedExpert:
    """An expert in a list of changes."""

    id: int
    expert: Expert | None
    """The expert now; None if deleted from the directory since."""
    profile: Profile
    """as the version stored it; empty where it did not"""
    changes: tuple[FieldChange, ...] = ()

    @property
    def name(self) -> str:
        """Empty where neither the version nor the directory has it."""
        return name_of(self.profile) or (str(self.expert) if self.expert else "")

    @property
    def detail(self) -> str:
        """Job title and company."""
        return ", ".join(part for name in ("job_title", "company") if (part := self.profile.get(name, "")))


def field_changes(fields: Iterable[str], before: Profile | None, after: Profile | None) -> tuple[FieldChange, ...]:
    """The two values of each of `fields`. A side is None where its profile was not stored."""
    return tuple(
        FieldChange(
            name,
            None if before is None else before.get(name, ""),
            None if after is None else after.get(name, ""),
        )
        for name in fields
    )
