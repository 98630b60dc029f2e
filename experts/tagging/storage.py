"""Tags in the database: which ones are active, who has which, and what a run writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TypeVar

from django.db import transaction
from django.db.models import QuerySet

from experts.models import Expert, ExpertTag, RejectedTag, Tag
from experts.tagging.assignment import TagSpec
from experts.tagging.default_tags import DEFAULT_TAGS

BATCH = 1_000
"""Experts per transaction: other writers wait for one batch at most, and a cancelled run stops after one."""

SCORE_TOLERANCE = 1e-4
"""Scores that differ by less are the same: with another batch size the last bits of a vector differ."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TagChanges:
    """How many automatic tags `store` added and removed, and for how many experts."""

    added: int
    """automatic tags"""
    removed: int
    experts: int
    """How many experts had a tag added or removed."""


def active_tags() -> list[TagSpec]:
    """The tags that a run may assign, ordered by id."""
    rows = Tag.objects.active().order_by("pk")
    return [TagSpec(tag.pk, tag.name, tag.kind, tag.description) for tag in rows]


def all_tag_names() -> dict[int, tuple[str, ...]]:
    """Expert id -> names of the expert's tags, automatic and manual. An expert without tags has no key."""
    return dict(_grouped(_by_expert().values_list("expert_id", "tag__name").iterator()))


def all_tag_ids() -> dict[int, tuple[int, ...]]:
    """Expert id -> ids of the expert's tags, automatic and manual. An expert without tags has no key."""
    return dict(_grouped(_by_expert().values_list("expert_id", "tag_id").iterator()))


def load_default_tags() -> int:
    """Create the default tags whose names are missing; returns how many. Existing tags stay as staff edited them."""
    present = {name.casefold() for name in Tag.objects.values_list("name", flat=True)}
    missing = [
        Tag(kind=kind, name=name, description=description)
        for kind, name, description in DEFAULT_TAGS
        if name.casefold() not in present
    ]
    Tag.objects.bulk_create(missing)
    return len(missing)


def store(
    assigned: Mapping[int, Sequence[tuple[int, float]]],
    tagged_for: Mapping[int, str],
    *,
    between: Callable[[int], None],
) -> TagChanges:
    """Replace the automatic tags of experts.

    `assigned` maps the id of each expert to (tag id, score) pairs; `tagged_for` maps it to the new
    `Expert.tagged_for`. Each batch of `BATCH` experts is a transaction of its own, and `between(experts in it)` is
    called after each. It may raise to stop there: what is stored by then is consistent, since `tagged_for` is stored
    together with the tags.

    Manual tags stay, and an expert who has a tag manually does not get it automatically as well; nor one that was
    rejected for this expert. Unchanged rows are not written, and `updated_at` stays, since nobody edited the expert.
    Experts and tags that were deleted after the directory was read are skipped.
    """
    added = removed = experts = 0
    ids = list(assigned)
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        with transaction.atomic():
            changes = _store_batch(batch, assigned, tagged_for)
        added += changes.added
        removed += changes.removed
        experts += changes.experts
        between(len(batch))
    return TagChanges(added, removed, experts)


def _store_batch(
    batch: list[int], assigned: Mapping[int, Sequence[tuple[int, float]]], tagged_for: Mapping[int, str]
) -> TagChanges:
    # “No key”: nobody can delete a tag meanwhile, but an editor can save an expert who has it.
    present_tags = set(Tag.objects.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))
    bases = dict(
        Expert.objects.select_for_update().filter(pk__in=batch).order_by("pk").values_list("pk", "tagged_for")
    )
    wanted = {(expert, tag): score for expert in bases for tag, score in assigned[expert] if tag in present_tags}
    for rejected in RejectedTag.objects.filter(expert__in=list(bases)).values_list("expert_id", "tag_id"):
        wanted.pop(rejected, None)
    outdated: list[int] = []
    rescored: list[ExpertTag] = []
    touched: set[int] = set()
    for row in ExpertTag.objects.filter(expert__in=list(bases)):
        score = wanted.pop((row.expert_id, row.tag_id), None)
        if row.source == ExpertTag.Source.MANUAL:
            continue
        if score is None:
            outdated.append(row.pk)
            touched.add(row.expert_id)
        elif row.score is None or abs(row.score - score) > SCORE_TOLERANCE:
            row.score = score
            rescored.append(row)
    fresh = [
        ExpertTag(expert_id=expert, tag_id=tag, source=ExpertTag.Source.AUTO, score=score)
        for (expert, tag), score in wanted.items()
    ]
    touched.update(row.expert_id for row in fresh)
    ExpertTag.objects.filter(pk__in=outdated).delete()
    ExpertTag.objects.bulk_update(rescored, ["score"])
    ExpertTag.objects.bulk_create(fresh)
    retagged = [
        Expert(pk=expert, tagged_for=tagged_for[expert])
        for expert, before in bases.items()
        if expert in tagged_for and tagged_for[expert] != before
    ]
    Expert.objects.bulk_update(retagged, ["tagged_for"])
    return TagChanges(len(fresh), len(outdated), len(touched))


def _by_expert() -> QuerySet[ExpertTag]:
    return ExpertTag.objects.order_by("expert_id", "tag__kind", "tag__name")


def _grouped(rows: Iterator[tuple[int, T]]) -> Iterator[tuple[int, tuple[T, ...]]]:
    for expert, pairs in groupby(rows, key=itemgetter(0)):
        yield expert, tuple(tag for _, tag in pairs)
