"""Whom a tag would be given, before it is saved: what `indexing.building.retag` would do, for one tag.

It reads the live version's vectors and the encoder's vector of the tag's text, and applies what
`experts.tagging.assignment.assign` applies: the threshold, and that an expert has the best six domains and three
industries only. Which tags are better depends on the similarities alone, not on the threshold, so one number per
expert says it for every threshold: the similarity of the last tag that fits beside this one (`Bar`).
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from experts.models import Expert, ExpertTag
from experts.tagging import storage
from experts.tagging.assignment import MAX_TAGS, TagSpec
from indexing import encoders
from indexing.encoders.same_model import require_same_model
from indexing.lib.process_state import ProcessState, on_forget
from indexing.serving import live
from indexing.snapshot.reader import Snapshot

NEW = 2**63 - 1
"""The id of a tag that is not saved yet: it will have a higher one than any, which decides between equals."""

THRESHOLDS = (0.20, 0.25, 0.30, 0.35, 0.40, 0.45, 0.50)
SHOWN, SHOWN_BELOW = 8, 5
BLOCK = 8_192  # experts whose similarities to all tags are in memory at once
BARS_KEPT = 4  # per version; 16 bytes an expert each


@dataclass(frozen=True, slots=True)
class Bar:
    """What a tag must beat to be among the best of its kind, expert by expert."""

    similarity: NDArray[np.float32]
    """float32[n]: of the last of the other tags that would fit; -inf where there is room."""
    tag: NDArray[np.int64]
    """int64[n]: the id of that tag: of equals the lower one is taken."""

    def beaten_by(self, similarities: NDArray[np.float32], tag: int) -> NDArray[np.bool_]:
        """bool[n]: whether the tag with this id and these similarities, float32[n], is taken before it."""
        equal = (similarities == self.similarity) & (tag < self.tag)
        return (similarities > self.similarity) | equal


@dataclass(frozen=True, slots=True)
class Step:
    threshold: float
    experts: int
    """How many would get the tag automatically."""
    crowded_out: int
    """How many are similar enough but have enough better tags of the kind."""
    is_current: bool
    """TCS_TAG_THRESHOLD, which the next run applies."""
    is_chosen: bool

    @property
    def label(self) -> str:
        """0.30, and 0.275 where two places do not tell it."""
        short = f"{self.threshold:.2f}"
        return short if float(short) == self.threshold else f"{self.threshold:g}"


@dataclass(frozen=True, slots=True)
class Candidate:
    expert: Expert
    similarity: float
    has_it: bool
    """automatically, now"""
    crowded_out: bool


@dataclass(frozen=True, slots=True)
class Change:
    """Experts who gain or lose the tag: how many, and the first of them."""

    count: int
    first: tuple[Candidate, ...]

    @property
    def more(self) -> int:
        return self.count - len(self.first)


@dataclass(frozen=True, slots=True)
class Preview:
    version: int
    experts: int
    """Who was looked at: active, and in the version."""
    outside: int
    """Active, but not in the version."""
    limit: int
    """How many automatic tags of this kind an expert has at most."""
    threshold: float
    steps: tuple[Step, ...]
    chosen: Step
    getting: tuple[Candidate, ...]
    """The first of those who would get it, most similar first."""
    below: tuple[Candidate, ...]
    """The next ones: not similar enough."""
    automatic: int
    manual: int
    """Who has it now, among those looked at. By hand it stays, and is not given automatically as well."""
    gained: Change
    lost: Change


@dataclass(frozen=True, slots=True)
class Judged:
    """Every expert that was looked at, row by row; pure figures."""

    ids: NDArray[np.int64]
    similarities: NDArray[np.float32]
    fits: NDArray[np.bool_]
    """among the best of its kind"""
    automatic: NDArray[np.bool_]
    manual: NDArray[np.bool_]
    """who has it now, and how"""

    def getting(self, threshold: float) -> NDArray[np.bool_]:
        return self.fits & self._similar(threshold)

    def crowded_out(self, threshold: float) -> NDArray[np.bool_]:
        return ~self.fits & self._similar(threshold)

    def below(self, threshold: float) -> NDArray[np.bool_]:
        return ~self.manual & (self.similarities < threshold)

    def _similar(self, threshold: float) -> NDArray[np.bool_]:
        return ~self.manual & (self.similarities >= threshold)

    def best(self, chosen: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
        """Rows of the `count` most similar of `chosen`, most similar first; equals in the order of their ids."""
        rows = np.flatnonzero(chosen)
        return rows[np.argsort(-self.similarities[rows], kind="stable")[:count]]


def preview(tag: TagSpec, threshold: float) -> Preview:
    """Of a tag as typed; `tag.id` is NEW or that of the saved one, whose saved text then does not count.

    Raises NoIndexYet, and EncoderUnavailable also when the model is not the one that the version was built with.
    """
    snapshot = live.current()
    judged, outside = judge(snapshot, tag)
    return _described(judged, tag, threshold, version=snapshot.number, outside=outside)


def judge(snapshot: Snapshot, tag: TagSpec) -> tuple[Judged, int]:
    """The version's active experts, and how many active ones it does not have. Raises EncoderUnavailable."""
    encoder = encoders.loaded()
    require_same_model(encoder, snapshot.manifest)
    vector = encoder.encode([tag.text])[0]
    similarities = np.asarray(snapshot.vectors @ vector, np.float32)
    fits = _bar(snapshot, tag).beaten_by(similarities, tag.id)
    active = np.fromiter(Expert.objects.active().order_by().values_list("pk", flat=True).iterator(), np.int64)
    rows = np.flatnonzero(np.isin(snapshot.ids, active))
    ids = snapshot.ids[rows]
    held = dict(ExpertTag.objects.filter(tag=tag.id).values_list("expert", "source")) if tag.id != NEW else {}
    by_source = {
        source: np.isin(ids, np.array([expert for expert, how in held.items() if how == source], np.int64))
        for source in ExpertTag.Source
    }
    judged = Judged(
        ids, similarities[rows], fits[rows], by_source[ExpertTag.Source.AUTO], by_source[ExpertTag.Source.MANUAL]
    )
    return judged, len(active) - len(rows)


def bar(
    vectors: NDArray[np.float32], others: Sequence[TagSpec], other_vectors: NDArray[np.float32], limit: int
) -> Bar:
    """What one more tag must beat; `others` are of its kind and ordered by id, `vectors` is float32[n, d]."""
    similarity = np.full(len(vectors), -np.inf, np.float32)
    tag = np.full(len(vectors), NEW, np.int64)
    if len(others) >= limit:
        ids = np.array([each.id for each in others], np.int64)
        for start in range(0, len(vectors), BLOCK):
            block = np.asarray(vectors[start : start + BLOCK] @ other_vectors.T, np.float32)
            # The `limit`-th of a stable sort from the best down, without sorting: 5 times faster.
            value = -np.partition(-block, limit - 1, axis=1)[:, limit - 1, np.newaxis]
            places_left = limit - (block > value).sum(axis=1, keepdims=True)
            equal = block == value
            last = np.argmax(equal & (equal.cumsum(axis=1) == places_left), axis=1)
            similarity[start : start + BLOCK] = value[:, 0]
            tag[start : start + BLOCK] = ids[last]
    return Bar(similarity, tag)


# --- What is reckoned once for many previews: only the tag's own text changes while somebody types -----------
_bars: ProcessState[weakref.WeakKeyDictionary[Snapshot, dict[tuple[TagSpec, ...], Bar]]] = ProcessState(
    weakref.WeakKeyDictionary
)


def _bar(snapshot: Snapshot, tag: TagSpec) -> Bar:
    catalogue = tuple(storage.active_tags())
    others = tuple(each for each in catalogue if each.kind == tag.kind and each.id != tag.id)
    kept = _bars.get().setdefault(snapshot, {})
    known = kept.get(others)
    if known is None:
        places = {each.id: place for place, each in enumerate(catalogue)}
        vectors = _catalogue_vectors(snapshot.manifest.fingerprint, catalogue)
        known = bar(snapshot.vectors, others, vectors[[places[each.id] for each in others]], MAX_TAGS[tag.kind])
        for outdated in list(kept)[: len(kept) - BARS_KEPT + 1]:
            kept.pop(outdated, None)
        kept[others] = known
    return known


@lru_cache(maxsize=2)
def _catalogue_vectors(fingerprint: str, tags: tuple[TagSpec, ...]) -> NDArray[np.float32]:
    """float32[t, d] of the tags' texts; the fingerprint is part of the key only: other models, other vectors."""
    return encoders.loaded().encode([each.text for each in tags])


on_forget(_catalogue_vectors.cache_clear)


# --- For people ---------------------------------------------------------------------------------------------
def _described(judged: Judged, tag: TagSpec, threshold: float, *, version: int, outside: int) -> Preview:
    current = float(settings.TCS_TAG_THRESHOLD)
    steps = tuple(
        Step(
            each,
            int(judged.getting(each).sum()),
            int(judged.crowded_out(each).sum()),
            is_current=each == current,
            is_chosen=each == threshold,
        )
        for each in sorted({*THRESHOLDS, current, threshold})
    )
    getting = judged.getting(threshold)
    gained, lost = getting & ~judged.automatic, judged.automatic & ~getting
    lists = [
        judged.best(getting, SHOWN),
        judged.best(judged.below(threshold), SHOWN_BELOW),
        judged.best(gained, SHOWN),
        judged.best(lost, SHOWN),
    ]
    people = Expert.objects.in_bulk({int(judged.ids[row]) for rows in lists for row in rows})
    shown = [tuple(_candidates(judged, rows, people)) for rows in lists]
    return Preview(
        version=version,
        experts=len(judged.ids),
        outside=outside,
        limit=MAX_TAGS[tag.kind],
        threshold=threshold,
        steps=steps,
        chosen=next(step for step in steps if step.is_chosen),
        getting=shown[0],
        below=shown[1],
        automatic=int(judged.automatic.sum()),
        manual=int(judged.manual.sum()),
        gained=Change(int(gained.sum()), shown[2]),
        lost=Change(int(lost.sum()), shown[3]),
    )


def _candidates(judged: Judged, rows: NDArray[np.int64], people: dict[int, Expert]) -> Iterable[Candidate]:
    for row in rows:
        if expert := people.get(int(judged.ids[row])):  # deleted a moment ago
            yield Candidate(
                expert, float(judged.similarities[row]), bool(judged.automatic[row]), not judged.fits[row]
            )
