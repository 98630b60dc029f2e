"""Who drifted, by name: those who came, what changed of the others, and who is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from experts import directory
from experts.models import Expert
from experts.profiles.records import FIELDS
from indexing.drift.measurement import Drift, Version
from indexing.snapshot.profiles import Profile, by_name, has_words, name_of, stored_profiles

Kind = Literal["added", "changed", "removed"]
KINDS: tuple[Kind, ...] = ("added", "changed", "removed")


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one expert, as the version has it and as it is now; values as in `FIELDS`."""

    field: str
    before: str | None
    """None: the version is of a release that did not keep it"""
    after: str


@dataclass(frozen=True, slots=True)
class Changed:
    expert: Expert
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Removed:
    id: int
    profile: Profile | None
    """as the version has it; None: it kept none"""

    @property
    def name(self) -> str:
        return name_of(self.profile or {})


def named(found: Drift, kind: Kind, *, words: str = "", field: str = "") -> list[int]:
    """Ids of those who came or changed, by name; with `words` those who have them, with `field` who changed in it."""
    ids = found.added if kind == "added" else found.changed
    if kind == "changed" and field in FIELDS:
        ids = ids[found.in_field[:, list(FIELDS).index(field)]]
    ordered = np.fromiter(Expert.objects.active().matching(words).values_list("pk", flat=True), np.int64)
    kept: list[int] = ordered[np.isin(ordered, ids)].tolist()
    return kept


def experts(ids: Sequence[int]) -> list[Expert]:
    """In the order of `ids`; who was deleted meanwhile is left out."""
    known = Expert.objects.in_bulk(ids)
    return [known[each] for each in ids if each in known]


def changed(version: Version, found: Drift, ids: Sequence[int]) -> list[Changed]:
    """What changed of each of `ids`, in their order, compared now: drift was measured a moment ago."""
    records = {record.id: record for record in directory.read_active(ids)}
    profiles = stored_profiles(version, ids)
    rows = dict(zip(found.changed.tolist(), found.in_field, strict=True)) if version.profiles is None else {}
    people = []
    for expert in experts(ids):
        if expert.pk not in records:
            continue
        values = {name: of(records[expert.pk]) for name, of in FIELDS.items()}
        before = profiles.get(expert.pk)
        if before is not None:
            changes = tuple(
                Change(name, before.get(name, ""), value)
                for name, value in values.items()
                if before.get(name, "") != value
            )
        else:
            differs = rows.get(expert.pk, np.zeros(len(FIELDS), np.bool_))
            changes = tuple(
                Change(name, None, values[name]) for name, yes in zip(FIELDS, differs, strict=True) if yes
            )
        people.append(Changed(expert, changes))
    return people


def removed(version: Version, found: Drift, words: str = "") -> list[Removed]:
    """All who are gone and have the words, by name. The version knows them, whether or not the directory does."""
    ids: list[int] = found.removed.tolist()
    profiles = stored_profiles(version, ids)
    found_ids = [each for each in ids if has_words(profiles.get(each, {}), words)]
    found_ids.sort(key=lambda each: by_name(profiles.get(each, {}), each))
    return [Removed(each, profiles.get(each)) for each in found_ids]
