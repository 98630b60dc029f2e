"""The experts who drifted, by name: those who are new, those who changed and how, and those who were removed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from experts import directory
from experts.models import Expert
from experts.profiles.records import FIELDS, ExpertRecord
from indexing.drift.measurement import Drift
from indexing.snapshot.baseline import Baseline
from indexing.snapshot.profiles import Profile, by_name, has_words
from indexing.versions.changes import FieldChange, ListedExpert, field_changes

Kind = Literal["added", "changed", "removed"]
KINDS: tuple[Kind, ...] = ("added", "changed", "removed")


def listed(version: Baseline, drift: Drift, kind: Kind, *, words: str = "", field: str = "") -> list[int]:
    """The ids of a list, by name: of those whose profile has `words`, and who changed in `field`.

    The live version knows the names of those who were removed, whether or not the directory still does.
    """
    if kind == "removed":
        removed: list[int] = drift.removed.tolist()
        profiles = version.profiles_of(removed)
        matching = [expert_id for expert_id in removed if has_words(profiles.get(expert_id, {}), words)]
        return sorted(matching, key=lambda expert_id: by_name(profiles.get(expert_id, {}), expert_id))
    ids = drift.added if kind == "added" else drift.changed_in(field)
    in_order = np.fromiter(Expert.objects.active().matching(words).values_list("pk", flat=True), np.int64)
    kept: list[int] = in_order[np.isin(in_order, ids)].tolist()
    return kept


def people(version: Baseline, drift: Drift, kind: Kind, ids: Sequence[int]) -> list[ListedExpert]:
    """The experts `ids`, in that order, with what changed in each until now: drift was measured a moment ago.

    New and changed experts have the profile of the directory and are left out if they were deleted since; removed
    ones have the profile that the version stored.
    """
    experts = Expert.objects.in_bulk(ids)
    if kind == "removed":
        stored = version.profiles_of(ids)
        return [ListedExpert(each, experts.get(each), stored.get(each, {})) for each in ids]
    records = {record.id: record for record in directory.read_active(ids)}
    before = version.profiles_of(ids) if kind == "changed" else {}
    found = []
    for each in ids:
        if each in records and each in experts:
            now = _profile(records[each])
            found.append(ListedExpert(each, experts[each], now, _changes(drift, each, before.get(each), now)))
    return found


def _profile(record: ExpertRecord) -> Profile:
    return {name: value_of(record) for name, value_of in FIELDS.items()}


def _changes(drift: Drift, expert_id: int, before: Profile | None, now: Profile) -> tuple[FieldChange, ...]:
    if before is None:  # only hashes were stored: they tell which fields differ, not what they were
        return field_changes(drift.fields_of(expert_id), None, now)
    return field_changes((name for name in FIELDS if before.get(name, "") != now[name]), before, now)
