"""Preview which experts a tag would be assigned to, before it is saved: what `indexing.building.retag` would do.

It takes the live version's vectors and the encoder's vector of the tag's text, and applies the rules of
`experts.tagging.assignment.assign`: the threshold, and that an expert keeps only the best six domains and the best
three industries. Which tags are best depends on the similarities alone, so one number per expert is enough for all
thresholds: the similarity of the last tag that still fits beside this one (`TagCutoff`).
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from experts.models import Expert, ExpertTag, RejectedTag
from experts.tagging import storage
from experts.tagging.assignment import MAX_TAGS, TagSpec
from indexing import encoders
from indexing.encoders.protocol import QUERY
from indexing.encoders.same_model import require_same_model
from indexing.lib.process_state import ProcessState, on_forget
from indexing.serving import live
from indexing.snapshot.reader import Snapshot

NEW = 2**63 - 1
"""The id of a tag that is not saved yet. It is higher than any other, which decides between equal similarities."""

THRESHOLDS = (0.20, 0.25, 0.30, 0.35, 0.40, 0.45, 0.50)
SHOWN, SHOWN_BELOW = 8, 5
BLOCK = 8_192
"""Experts whose similarities to all tags are in memory at once."""
CUTOFFS_KEPT = 4
"""Per version; each takes 12 bytes per expert."""


@dataclass(frozen=True, slots=True)
class TagCutoff:
    """What a tag must beat to be among the best of its kind, for each of n experts."""

    similarity: NDArray[np.float32]
    """float32[n]: of the last of the other tags that fits; -inf if there is room for one more."""
    tag: NDArray[np.int64]
    """int64[n]: the id of that tag. Of equal similarities the lower id wins."""

    def beaten_by(self, similarities: NDArray[np.float32], tag: int) -> NDArray[np.bool_]:
        """bool[n]: whether the tag with id `tag` and these similarities, float32[n], is preferred to it."""
        equal = (similarities == self.similarity) & (tag < self.tag)
        return (similarities > self.similarity) | equal


@dataclass(frozen=True, slots=True)
class ThresholdStep:
    threshold: float
    experts: int
    """How many experts would get the tag automatically."""
    over_limit: int
    """experts who are similar enough but already have the maximum of better tags of the kind"""
    is_current: bool
    """TCS_TAG_THRESHOLD, which the next run applies"""
    is_chosen: bool

    @property
    def label(self) -> str:
        """The threshold with two decimals, such as 0.30, or with as many as it takes, such as 0.275."""
        short = f"{self.threshold:.2f}"
        return short if float(short) == self.threshold else f"{self.threshold:g}"


@dataclass(frozen=True, slots=True)
class TaggedExpert:
    expert: Expert
    similarity: float
    has_it: bool
    """automatically, now"""
    over_limit: bool


@dataclass(frozen=True, slots=True)
class AffectedExperts:
    """Experts who gain the tag, or who lose it."""

    count: int
    first: tuple[TaggedExpert, ...]
    """the most similar ones"""

    @property
    def more(self) -> int:
        """How many there are in addition to the first ones."""
        return self.count - len(self.first)


@dataclass(frozen=True, slots=True)
class TagPreview:
    version: int
    experts: int
    """active ones that are in the version: those who are looked at"""
    outside: int
    """active experts who are not in the version"""
    limit: int
    """The most automatic tags of this kind that an expert can have."""
    threshold: float
    steps: tuple[ThresholdStep, ...]
    chosen: ThresholdStep
    getting: tuple[TaggedExpert, ...]
    """the first of those who would get the tag, most similar first"""
    below: tuple[TaggedExpert, ...]
    """the first of those who are not similar enough"""
    automatic: int
    """How many experts have the tag automatically now."""
    manual: int
    """How many experts have it manually now: it stays, and is not added automatically as well."""
    gained: AffectedExperts
    lost: AffectedExperts


@dataclass(frozen=True, slots=True)
class TagScores:
    """The n experts who are looked at, row by row."""

    ids: NDArray[np.int64]
    """int64[n], rising"""
    similarities: NDArray[np.float32]
    """float32[n], cosine, of the expert and the tag's text"""
    fits: NDArray[np.bool_]
    """bool[n]: whether the tag is among the expert's best of its kind"""
    automatic: NDArray[np.bool_]
    """bool[n]: whether the expert has the tag automatically now"""
    manual: NDArray[np.bool_]
    """bool[n]: whether the expert has the tag manually now"""

    def getting(self, threshold: float) -> NDArray[np.bool_]:
        """bool[n]: who would have the tag automatically, at a cosine similarity of `threshold` or more."""
        return self.fits & self._similar(threshold)

    def over_limit(self, threshold: float) -> NDArray[np.bool_]:
        """bool[n]: who is similar enough, by the cosine `threshold`, but already has the maximum of better tags."""
        return ~self.fits & self._similar(threshold)

    def below(self, threshold: float) -> NDArray[np.bool_]:
        """bool[n]: whose cosine similarity is below `threshold`; without those who have the tag manually."""
        return ~self.manual & (self.similarities < threshold)

    def _similar(self, threshold: float) -> NDArray[np.bool_]:
        return ~self.manual & (self.similarities >= threshold)

    def best(self, chosen: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
        """Rows int64[count] of the most similar of `chosen`, bool[n], most similar first; ties by id."""
        rows = np.flatnonzero(chosen)
        return rows[np.argsort(-self.similarities[rows], kind="stable")[:count]]


def preview_tag(tag: TagSpec, threshold: float) -> TagPreview:
    """The preview of a tag as typed, at a cosine similarity of `threshold` or more.

    `tag.id` is NEW, or the id of the saved tag that is being changed. Raises NoIndexYet, and EncoderUnavailable if
    the model cannot be loaded or is not the one that the live version was built with.
    """
    snapshot = live.current()
    scores, outside = score_experts(snapshot, tag)
    return _described(scores, tag, threshold, version=snapshot.number, outside=outside)


def score_experts(snapshot: Snapshot, tag: TagSpec) -> tuple[TagScores, int]:
    """Score the version's active experts; also how many active ones it lacks.

    Experts whose tag was rejected are left out, unless they have it by hand: no run gives it to them.
    Raises EncoderUnavailable.
    """
    encoder = encoders.loaded()
    require_same_model(encoder, snapshot.manifest)
    vector = encoder.encode([tag.text], QUERY)[0]
    similarities = np.asarray(snapshot.vectors @ vector, np.float32)
    fits = _current_cutoff(snapshot, tag).beaten_by(similarities, tag.id)
    active = np.fromiter(Expert.objects.active().order_by().values_list("pk", flat=True).iterator(), np.int64)
    known = np.isin(snapshot.ids, active)
    held = dict(ExpertTag.objects.filter(tag=tag.id).values_list("expert", "source")) if tag.id != NEW else {}
    without = RejectedTag.objects.filter(tag=tag.id).values_list("expert", flat=True)
    rejected = np.array([expert for expert in without if expert not in held], np.int64)
    rows = np.flatnonzero(known & ~np.isin(snapshot.ids, rejected))
    ids = snapshot.ids[rows]
    by_source = {
        source: np.isin(ids, np.array([expert for expert, how in held.items() if how == source], np.int64))
        for source in ExpertTag.Source
    }
    scores = TagScores(
        ids, similarities[rows], fits[rows], by_source[ExpertTag.Source.AUTO], by_source[ExpertTag.Source.MANUAL]
    )
    return scores, len(active) - int(np.count_nonzero(known))


def tag_cutoff(
    vectors: NDArray[np.float32], others: Sequence[TagSpec], other_vectors: NDArray[np.float32], limit: int
) -> TagCutoff:
    """What one more tag must beat, for each of the experts with `vectors`, float32[n, d].

    `others` are the other tags of its kind, ordered by id, with `other_vectors`, float32[t, d]. `limit` is how many
    tags of that kind an expert may have.
    """
    similarity = np.full(len(vectors), -np.inf, np.float32)
    tag = np.full(len(vectors), NEW, np.int64)
    if len(others) >= limit:
        ids = np.array([each.id for each in others], np.int64)
        for start in range(0, len(vectors), BLOCK):
            block = np.asarray(vectors[start : start + BLOCK] @ other_vectors.T, np.float32)
            # The `limit`-th of a stable sort, best first, but without sorting: 5 times faster.
            value = -np.partition(-block, limit - 1, axis=1)[:, limit - 1, np.newaxis]
            places_left = limit - (block > value).sum(axis=1, keepdims=True)
            equal = block == value
            last = np.argmax(equal & (equal.cumsum(axis=1) == places_left), axis=1)
            similarity[start : start + BLOCK] = value[:, 0]
            tag[start : start + BLOCK] = ids[last]
    return TagCutoff(similarity, tag)


_cutoffs: ProcessState[weakref.WeakKeyDictionary[Snapshot, dict[tuple[TagSpec, ...], TagCutoff]]] = ProcessState(
    weakref.WeakKeyDictionary
)
"""Computed once for many previews: while somebody types, only the tag's own text changes, not the other tags."""


def _current_cutoff(snapshot: Snapshot, tag: TagSpec) -> TagCutoff:
    catalogue = tuple(storage.active_tags())
    others = tuple(each for each in catalogue if each.kind == tag.kind and each.id != tag.id)
    known = _cutoffs.get().setdefault(snapshot, {})
    cutoff = known.get(others)
    if cutoff is None:
        places = {each.id: place for place, each in enumerate(catalogue)}
        vectors = _catalogue_vectors(snapshot.manifest.fingerprint, catalogue)
        other_vectors = vectors[[places[each.id] for each in others]]
        cutoff = tag_cutoff(snapshot.vectors, others, other_vectors, MAX_TAGS[tag.kind])
        for outdated in list(known)[: len(known) - CUTOFFS_KEPT + 1]:
            known.pop(outdated, None)
        known[others] = cutoff
    return cutoff


@lru_cache(maxsize=2)
def _catalogue_vectors(fingerprint: str, tags: tuple[TagSpec, ...]) -> NDArray[np.float32]:
    """float32[t, d] of the tags' texts. The fingerprint is only part of the cache's key: each model has its own."""
    return encoders.loaded().encode([each.text for each in tags], QUERY)


on_forget(_catalogue_vectors.cache_clear)


def _described(scores: TagScores, tag: TagSpec, threshold: float, *, version: int, outside: int) -> TagPreview:
    current = float(settings.TCS_TAG_THRESHOLD)
    steps = tuple(
        ThresholdStep(
            each,
            int(scores.getting(each).sum()),
            int(scores.over_limit(each).sum()),
            is_current=each == current,
            is_chosen=each == threshold,
        )
        for each in sorted({*THRESHOLDS, current, threshold})
    )
    getting = scores.getting(threshold)
    gained, lost = getting & ~scores.automatic, scores.automatic & ~getting
    lists = [
        scores.best(getting, SHOWN),
        scores.best(scores.below(threshold), SHOWN_BELOW),
        scores.best(gained, SHOWN),
        scores.best(lost, SHOWN),
    ]
    people = Expert.objects.in_bulk({int(scores.ids[row]) for rows in lists for row in rows})
    shown = [tuple(_tagged_experts(scores, rows, people)) for rows in lists]
    return TagPreview(
        version=version,
        experts=len(scores.ids),
        outside=outside,
        limit=MAX_TAGS[tag.kind],
        threshold=threshold,
        steps=steps,
        chosen=next(step for step in steps if step.is_chosen),
        getting=shown[0],
        below=shown[1],
        automatic=int(scores.automatic.sum()),
        manual=int(scores.manual.sum()),
        gained=AffectedExperts(int(gained.sum()), shown[2]),
        lost=AffectedExperts(int(lost.sum()), shown[3]),
    )


def _tagged_experts(scores: TagScores, rows: NDArray[np.int64], people: dict[int, Expert]) -> Iterable[TaggedExpert]:
    for row in rows:
        if expert := people.get(int(scores.ids[row])):  # not deleted in the meantime
            yield TaggedExpert(
                expert, float(scores.similarities[row]), bool(scores.automatic[row]), not scores.fits[row]
            )
