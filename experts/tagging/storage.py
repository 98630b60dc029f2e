"""Tags in the database: which ones are active, who has which, and what a run writes."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from django.db import connection, transaction
from django.db.models import QuerySet
from numpy.typing import NDArray

from experts.models import Expert, ExpertTag, RejectedTag, Tag
from experts.tagging.assignment import TagSpec
from experts.tagging.default_tags import DEFAULT_TAGS

BATCH = 1_000
"""Experts per transaction: other writers wait for one batch at most, and a cancelled run stops after one."""

SCORE_TOLERANCE = 1e-4
"""Scores that differ by less are the same: with another batch size the last bits of a vector differ."""

ROWS_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class TagChanges:
    """How many automatic tags `store` added and removed, and for how many experts."""

    added: int
    """automatic tags"""
    removed: int
    experts: int
    """How many experts had a tag added or removed."""

    def __add__(self, other: TagChanges) -> TagChanges:
        return TagChanges(self.added + other.added, self.removed + other.removed, self.experts + other.experts)


def active_tags() -> list[TagSpec]:
    """The tags that a run may assign, ordered by id."""
    rows = Tag.objects.active().order_by("pk")
    return [TagSpec(tag.pk, tag.name, tag.kind, tag.description) for tag in rows]


class TagsOfExperts(Mapping[int, tuple[int, ...]]):
    """Expert id -> ids of the expert's tags. As arrays: tuples would take ten times as much memory."""

    def __init__(self, pairs: NDArray[np.int64]) -> None:
        """`pairs` are expert ids and tag ids, int64[t, 2], in the order of the expert ids."""
        experts, starts = np.unique(pairs[:, 0], return_index=True)
        self._experts, self._starts = array("q", experts.tobytes()), array("q", starts.tobytes())
        self._starts.append(len(pairs))
        self._tags = pairs[:, 1]

    def __getitem__(self, expert: int) -> tuple[int, ...]:
        place = bisect_left(self._experts, expert)
        if place == len(self._experts) or self._experts[place] != expert:
            raise KeyError(expert)
        return tuple(self._tags[self._starts[place] : self._starts[place + 1]].tolist())

    def __iter__(self) -> Iterator[int]:
        return iter(self._experts)

    def __len__(self) -> int:
        return len(self._experts)


def tag_names() -> dict[int, str]:
    """The names of all tags by their ids."""
    return dict(Tag.objects.values_list("pk", "name"))


def all_tag_ids() -> Mapping[int, tuple[int, ...]]:
    """Expert id -> ids of the expert's tags, automatic and manual. An expert without tags has no key."""
    return TagsOfExperts(_pairs())


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
    all_changes = TagChanges(0, 0, 0)
    ids = list(assigned)
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        with transaction.atomic():
            all_changes += _store_batch(batch, assigned, tagged_for)
        between(len(batch))
    return all_changes


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
    touched.update(expert for expert, _tag in wanted)
    ExpertTag.objects.filter(pk__in=outdated).delete()
    ExpertTag.objects.bulk_update(rescored, ["score"])
    _add(wanted)
    _mark_tagged({pk: tagged_for[pk] for pk, before in bases.items() if tagged_for.get(pk, before) != before})
    return TagChanges(len(wanted), len(outdated), len(touched))


def _add(scores: Mapping[tuple[int, int], float]) -> None:
    """Add automatic tags, (expert id, tag id) -> score. A statement that is prepared once takes a fraction of the
    time of `bulk_create`; and so does the next one of `bulk_update`."""
    rows = [(expert, tag, ExpertTag.Source.AUTO.value, score) for (expert, tag), score in scores.items()]
    with connection.cursor() as cursor:
        cursor.executemany(
            f'INSERT INTO "{ExpertTag._meta.db_table}" (expert_id, tag_id, source, score) '  # noqa: S608  constants
            "VALUES (%s, %s, %s, %s)",
            rows,
        )


def _mark_tagged(tagged_for: Mapping[int, str]) -> None:
    """Set `Expert.tagged_for`."""
    rows = [(basis, expert) for expert, basis in tagged_for.items()]
    with connection.cursor() as cursor:
        cursor.executemany(
            f'UPDATE "{Expert._meta.db_table}" SET tagged_for = %s WHERE id = %s',  # noqa: S608  constants
            rows,
        )


def _by_expert() -> QuerySet[ExpertTag]:
    return ExpertTag.objects.order_by("expert_id", "tag__kind", "tag__name")


def _pairs() -> NDArray[np.int64]:
    """int64[t, 2]: the ids of experts and of their tags, by expert, then by kind and name of the tag."""
    rows = _by_expert().values_list("expert_id", "tag_id").iterator(chunk_size=ROWS_AT_ONCE)
    return np.fromiter(chain.from_iterable(rows), np.int64).reshape(-1, 2)
