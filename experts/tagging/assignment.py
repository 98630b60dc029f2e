"""Tag catalogue and vectors to assignments, and their way into the database.

Nothing here encodes: a build hands over the vectors that it has anyway, so tagging costs one matrix product.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TypeVar

import numpy as np
from django.db import transaction
from django.db.models import QuerySet
from numpy.typing import NDArray

from experts.models import Expert, ExpertTag, Tag
from experts.tagging.default_tags import DEFAULT_TAGS

MAX_TAGS = {Tag.Kind.DOMAIN.value: 6, Tag.Kind.INDUSTRY.value: 3}
"""How many automatic tags of each kind an expert has at most."""

BATCH = 1_000
"""Experts per transaction: writers wait at most for one batch, and a cancelled run stops after one."""

SCORE_TOLERANCE = 1e-4
"""Scores nearer than this are the same: batches of another size change the last bits of a vector."""

_BLOCK = 8_192  # experts whose similarities are in memory at once
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TagSpec:
    id: int
    name: str
    kind: str
    description: str

    @property
    def text(self) -> str:
        """What the encoder reads of a tag."""
        return f"{self.name}. {self.description}"


@dataclass(frozen=True, slots=True)
class TagChanges:
    """What `store` did: automatic tags added and removed, and how many experts had either."""

    added: int
    removed: int
    experts: int


def active_tags() -> list[TagSpec]:
    """The tags that a rebuild may assign, ordered by id."""
    rows = Tag.objects.filter(is_active=True).order_by("pk")
    return [TagSpec(tag.pk, tag.name, tag.kind, tag.description) for tag in rows]


def catalogue_hash(fingerprint: str, tags: Sequence[TagSpec], threshold: float) -> str:
    """32 hex characters that change with the model, any tag, the threshold or the limits; not with the order."""
    digest = hashlib.blake2b(digest_size=16)
    parts = [fingerprint, repr(float(threshold)), repr(sorted(MAX_TAGS.items()))]
    for tag in sorted(tags, key=lambda tag: tag.id):
        parts += [str(tag.id), tag.kind, tag.name, tag.description]
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass"))
        digest.update(b"\0")
    return digest.hexdigest()


def basis(text_hash: bytes, catalogue_hash: str) -> str:
    """What an expert's automatic tags were computed from, as 32 hex characters: `Expert.tagged_for`."""
    return hashlib.blake2b(text_hash + bytes.fromhex(catalogue_hash), digest_size=16).hexdigest()


def assign(
    vectors: NDArray[np.float32], tag_vectors: NDArray[np.float32], tags: Sequence[TagSpec], threshold: float
) -> list[list[tuple[int, float]]]:
    """The tags of each expert as (tag id, cosine similarity), best first.

    `vectors` is float32[n, d], `tag_vectors` float32[t, d] in the order of `tags`, both of unit length. A tag
    needs a similarity of at least `threshold`; of each kind the best `MAX_TAGS` are taken. Equal similarities
    go to the tag that comes first in `tags`, so that the same input always gives the same tags.
    """
    if len(tag_vectors) != len(tags):
        raise ValueError(f"{len(tag_vectors)} tag vectors for {len(tags)} tags")
    assigned: list[list[tuple[int, float]]] = []
    for start in range(0, len(vectors), _BLOCK):
        similarities = vectors[start : start + _BLOCK] @ tag_vectors.T
        block: list[list[tuple[int, float]]] = [[] for _ in similarities]
        for kind, limit in MAX_TAGS.items():
            columns = [number for number, tag in enumerate(tags) if tag.kind == kind]
            if not columns:
                continue
            of_kind = similarities[:, columns]
            best = np.argsort(-of_kind, axis=1, kind="stable")[:, :limit]
            scores = np.take_along_axis(of_kind, best, axis=1)
            for row, place in zip(*np.nonzero(scores >= threshold), strict=True):
                tag = tags[columns[best[row, place]]]
                block[row].append((tag.id, float(scores[row, place])))
        for chosen in block:
            chosen.sort(key=lambda pair: -pair[1])
        assigned += block
    return assigned


def store(
    assigned: Mapping[int, Sequence[tuple[int, float]]],
    tagged_for: Mapping[int, str],
    *,
    between: Callable[[int], None],
) -> TagChanges:
    """Make the automatic tags of the experts (keys: expert ids) those of `assigned`; `tagged_for` as given.

    Batches of `BATCH` experts, each in its own transaction; after each, `between(experts in it)` is called and
    may raise to stop there: what is stored by then is consistent, since `tagged_for` goes with the tags.
    Manual tags stay, and an automatic tag is never put beside the same manual one. Rows that need no change
    are not written. `updated_at` stays: nobody changed the expert. Experts and tags that were deleted since
    the directory was read are passed over.
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
    # “No key”: tags are kept from being deleted, while an editor may save an expert with them.
    known_tags = set(Tag.objects.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))
    bases = dict(
        Expert.objects.select_for_update().filter(pk__in=batch).order_by("pk").values_list("pk", "tagged_for")
    )
    wanted = {(expert, tag): score for expert in bases for tag, score in assigned[expert] if tag in known_tags}
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


def tags_of(expert_ids: Iterable[int]) -> dict[int, tuple[str, ...]]:
    """Names of the tags, automatic and manual, of these experts; an expert without tags has no key."""
    names: dict[int, tuple[str, ...]] = {}
    ids = list(expert_ids)
    for start in range(0, len(ids), BATCH):
        rows = _by_expert().filter(expert__in=ids[start : start + BATCH])
        names.update(_folded(rows.values_list("expert_id", "tag__name").iterator()))
    return names


def all_tag_names() -> dict[int, tuple[str, ...]]:
    """Expert id to the names of its tags, automatic and manual; an expert without tags has no key."""
    return dict(_folded(_by_expert().values_list("expert_id", "tag__name").iterator()))


def all_tag_ids() -> dict[int, tuple[int, ...]]:
    """Expert id to the ids of its tags, automatic and manual; an expert without tags has no key."""
    return dict(_folded(_by_expert().values_list("expert_id", "tag_id").iterator()))


def load_default_catalogue() -> int:
    """Create the default tags whose names are missing; returns how many. What staff edited stays as it is."""
    known = {name.casefold() for name in Tag.objects.values_list("name", flat=True)}
    missing = [
        Tag(kind=kind, name=name, description=description)
        for kind, name, description in DEFAULT_TAGS
        if name.casefold() not in known
    ]
    Tag.objects.bulk_create(missing)
    return len(missing)


def _by_expert() -> QuerySet[ExpertTag]:
    return ExpertTag.objects.order_by("expert_id", "tag__kind", "tag__name")


def _folded(rows: Iterator[tuple[int, T]]) -> Iterator[tuple[int, tuple[T, ...]]]:
    for expert, pairs in groupby(rows, key=itemgetter(0)):
        yield expert, tuple(tag for _, tag in pairs)
