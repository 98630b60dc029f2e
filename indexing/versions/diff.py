"""Two versions side by side: which experts only one of them has, and what changed of those in both.

Read from the versions' own files: the directory may have moved on since, and does not know what it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from experts.models import Expert
from indexing.snapshot.baseline import Baseline
from indexing.snapshot.profiles import by_name, has_words
from indexing.versions.changes import ChangedFields, ListedExpert, field_changes

Kind = Literal["gained", "lost", "changed"]
KINDS: tuple[Kind, ...] = ("gained", "lost", "changed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff(ChangedFields):
    """From version `a` to version `b`. Expert ids int64[...], rising."""

    a: Baseline
    b: Baseline
    gained: NDArray[np.int64]
    lost: NDArray[np.int64]

    @property
    def other_model(self) -> bool:
        """The vectors of the two cannot be compared: the same query may find others though nobody changed."""
        return self.a.manifest.fingerprint != self.b.manifest.fingerprint

    def ids(self, kind: Kind, field: str = "") -> NDArray[np.int64]:
        """The expert ids of one list, int64[m], rising; with `field`, only experts who changed in that field."""
        if kind == "changed":
            return self.changed_in(field)
        return self.gained if kind == "gained" else self.lost

    def holder(self, kind: Kind) -> Baseline:
        """The version that has the people of a list; the later one if both have them."""
        return self.a if kind == "lost" else self.b


def between(a: Baseline, b: Baseline) -> Diff:
    """What is different in version `b`, compared with version `a`."""
    both, at_a, at_b = np.intersect1d(a.ids, b.ids, assume_unique=True, return_indices=True)
    in_field = a.field_hashes[at_a] != b.field_hashes[at_b]
    differs = in_field.any(axis=1)
    return Diff(
        a=a,
        b=b,
        gained=np.setdiff1d(b.ids, a.ids, assume_unique=True),
        lost=np.setdiff1d(a.ids, b.ids, assume_unique=True),
        changed=both[differs],
        in_field=in_field[differs],
    )


def listed(diff: Diff, kind: Kind, *, words: str = "", field: str = "") -> list[int]:
    """The ids of a list, by name: of those whose profile has `words`, and who changed in `field`.

    First those who are in the directory, by the names that it has now, then those that only the version has.
    """
    ids = diff.ids(kind, field)
    matching = np.fromiter(Expert.objects.matching(words).values_list("pk", flat=True), np.int64)
    known = np.fromiter(Expert.objects.order_by().values_list("pk", flat=True), np.int64) if words else matching
    deleted: list[int] = ids[~np.isin(ids, known)].tolist()
    profiles = diff.holder(kind).profiles_of(deleted)
    matching_deleted = [expert_id for expert_id in deleted if has_words(profiles.get(expert_id, {}), words)]
    return [
        *matching[np.isin(matching, ids)].tolist(),
        *sorted(matching_deleted, key=lambda expert_id: by_name(profiles.get(expert_id, {}), expert_id)),
    ]


def people(diff: Diff, kind: Kind, ids: Sequence[int]) -> list[ListedExpert]:
    """The experts `ids`, in that order, with what changed in each."""
    experts = Expert.objects.in_bulk(ids)
    after = diff.holder(kind).profiles_of(ids)
    before = diff.a.profiles_of(ids) if kind == "changed" else {}
    return [
        ListedExpert(
            id=expert_id,
            expert=experts.get(expert_id),
            profile=after.get(expert_id, {}),
            changes=field_changes(diff.fields_of(expert_id), before.get(expert_id), after.get(expert_id)),
        )
        for expert_id in ids
    ]
