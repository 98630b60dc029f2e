"""Two versions side by side: which experts one has and the other has not, and what changed of those in both.

By identity and content, from the versions' own files: the directory may have moved on since, and knows nothing of
what it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from experts.models import Expert
from experts.profiles.records import FIELDS
from indexing.drift import Version
from indexing.snapshot.profiles import Profile, by_name, has_words, name_of, stored_profiles

Kind = Literal["gained", "lost", "changed"]
KINDS: tuple[Kind, ...] = ("gained", "lost", "changed")


@dataclass(frozen=True, slots=True)
class Diff:
    """From version `a` to version `b`. Expert ids int64[...], rising."""

    a: Version
    b: Version
    gained: NDArray[np.int64]
    lost: NDArray[np.int64]
    changed: NDArray[np.int64]
    in_field: NDArray[np.bool_]
    """bool[changed, fields]: in which of `experts.profiles.records.FIELDS`"""

    @property
    def fields(self) -> dict[str, int]:
        """Field -> how many experts changed in it; only those that anybody changed in."""
        return {name: n for name, n in zip(FIELDS, self.in_field.sum(axis=0).tolist(), strict=True) if n}

    @property
    def other_model(self) -> bool:
        """The vectors of the two cannot be compared: the same query may find others though nobody changed."""
        return self.a.manifest.fingerprint != self.b.manifest.fingerprint

    def ids(self, kind: Kind, field: str = "") -> NDArray[np.int64]:
        """Of one list; of those who changed, with `field`, who did so in it."""
        if kind == "changed" and field in FIELDS:
            return self.changed[self.in_field[:, list(FIELDS).index(field)]]
        ids: NDArray[np.int64] = getattr(self, kind)
        return ids

    def holder(self, kind: Kind) -> Version:
        """The version that knows the people of a list best: the later one that has them."""
        return self.a if kind == "lost" else self.b


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of one expert, as each version has it; values as `experts.profiles.records.FIELDS` gives them.

    None: the version is of a release that did not keep it.
    """

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in a list, as the version has them; `expert` is None where the directory does not have them now."""

    id: int
    expert: Expert | None
    profile: Profile
    changes: tuple[FieldChange, ...] = ()

    @property
    def name(self) -> str:
        return name_of(self.profile) or (str(self.expert) if self.expert else "")

    @property
    def detail(self) -> str:
        return ", ".join(part for name in ("job_title", "company") if (part := self.profile.get(name, "")))


def between(a: Version, b: Version) -> Diff:
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
    """Ids of a list by name, with `words` of those who have them: first whom the directory has, by their names now,
    then whom only the version knows."""
    ids = diff.ids(kind, field)
    found = np.fromiter(Expert.objects.matching(words).values_list("pk", flat=True), np.int64)
    known = np.fromiter(Expert.objects.order_by().values_list("pk", flat=True), np.int64) if words else found
    gone: list[int] = ids[~np.isin(ids, known)].tolist()
    profiles = stored_profiles(diff.holder(kind), gone)
    named = [each for each in gone if has_words(profiles.get(each, {}), words)]
    return [
        *found[np.isin(found, ids)].tolist(),
        *sorted(named, key=lambda each: by_name(profiles.get(each, {}), each)),
    ]


def people(diff: Diff, kind: Kind, ids: Sequence[int]) -> list[Person]:
    """In the order of `ids`, with what changed of each."""
    experts = Expert.objects.in_bulk(ids)
    after = stored_profiles(diff.holder(kind), ids)
    if kind != "changed":
        return [Person(each, experts.get(each), after.get(each, {})) for each in ids]
    before = stored_profiles(diff.a, ids)
    rows = dict(zip(diff.changed.tolist(), diff.in_field, strict=True))
    return [
        Person(each, experts.get(each), after.get(each, {}), _changes(rows[each], before.get(each), after.get(each)))
        for each in ids
    ]


def _changes(differs: NDArray[np.bool_], before: Profile | None, after: Profile | None) -> tuple[FieldChange, ...]:
    return tuple(
        FieldChange(
            name,
            None if before is None else before.get(name, ""),
            None if after is None else after.get(name, ""),
        )
        for name, yes in zip(FIELDS, differs, strict=True)
        if yes
    )
