"""Where one expert is for a query, and what holds them back: also if a search does not show them at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experts import directory
from experts.cards import TagName
from experts.models import Expert, ExpertQuerySet, ExpertTag
from experts.profiles.findability import Advice, findability
from experts.profiles.hashes import field_hashes
from experts.profiles.records import FIELDS
from indexing.models.searches import Mode
from indexing.search.explanation import Explainer, Explanation
from indexing.search.filters import NONE, Filters
from indexing.snapshot.lookup import find_rows
from indexing.snapshot.reader import Snapshot
from indexing.snapshot.suggestion_index import SuggestionKind

PEOPLE = 8
"""Experts that are offered for a name."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One expert and one query."""

    expert: Expert
    version: int
    in_version: bool
    edited: tuple[str, ...]
    """Fields of `experts.profiles.records.FIELDS` that were changed since the version was built."""
    excluded_by: tuple[str, ...]
    """The groups of filters that they do not pass, as `Filters.groups` names them."""
    explanation: Explanation | None
    """Their rank: without the filters, if these exclude them. None if they are not active or not in the version."""
    advice: tuple[Advice, ...]
    """What would make them easier to find by any query."""


def standing(expert: Expert, text: str, snapshot: Snapshot, mode: Mode, filters: Filters = NONE) -> Standing:
    """Where `expert` is for `text`. Raises EncoderUnavailable, except in keyword mode."""
    rows, found = find_rows(snapshot.ids, np.array([expert.pk], np.int64))
    row = int(rows[0]) if found[0] else None
    excluded = () if row is None else _excluded_by(filters, snapshot, row)
    tags = _tags(expert)
    explanation = None
    if row is not None and expert.is_active:
        explanation = Explainer(text, snapshot, mode, NONE if excluded else filters).explain(expert, tags)
    return Standing(
        expert=expert,
        version=snapshot.number,
        in_version=row is not None,
        edited=() if row is None else _edited(expert, snapshot, row),
        excluded_by=excluded,
        explanation=explanation,
        advice=findability(expert, len(tags)).advice,
    )


def visible_experts(*, also_inactive: bool) -> ExpertQuerySet:
    """The experts that a reader may see."""
    return Expert.objects.all() if also_inactive else Expert.objects.active()


def named_experts(text: str, snapshot: Snapshot | None, *, also_inactive: bool = False) -> list[Expert]:
    """At most PEOPLE experts with this username, name or beginning of a name: one if it is a username.

    Ignores case, and for experts of the version accents too. Inactive ones only with `also_inactive`.
    """
    words = text.replace("\0", " ").split()
    if not words:
        return []
    allowed = visible_experts(also_inactive=also_inactive)
    if exact := list(allowed.filter(username__iexact=" ".join(words))[:1]):
        return exact
    known = list(snapshot.suggestions.starting(text)[SuggestionKind.PERSON])[:PEOPLE] if snapshot else []
    ids = [int(snapshot.ids[entry.rows[0]]) for entry in known] if snapshot else []
    people = list(allowed.filter(pk__in=ids))
    if len(people) < PEOPLE:
        people += allowed.named(words).exclude(pk__in=ids)[: PEOPLE - len(people)]
    return people


def _excluded_by(filters: Filters, snapshot: Snapshot, row: int) -> tuple[str, ...]:
    return tuple(group for group in filters.groups() if not filters.only(group).mask(snapshot.facets)[row])


def _edited(expert: Expert, snapshot: Snapshot, row: int) -> tuple[str, ...]:
    records = directory.read_active([expert.pk])
    if not records:
        return ()
    differs = field_hashes(records)[0] != snapshot.baseline.field_hashes[row]
    return tuple(name for name, changed in zip(FIELDS, differs, strict=True) if changed)


def _tags(expert: Expert) -> Sequence[TagName]:
    given = ExpertTag.objects.filter(expert=expert).order_by("tag__kind", "tag__name")
    return [TagName(name, kind) for name, kind in given.values_list("tag__name", "tag__kind")]
