"""A query to hits, over one version."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from experts.models import Expert
from indexing import encoders, live, metrics
from indexing.encoders import Encoder
from indexing.errors import EmptyQuery, EncoderUnavailable, IndexingError
from indexing.snapshot.reader import Snapshot
from indexing.timing import Steps

MAX_K = 100
RRF = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009)."""
DEPTH, DEPTH_PER_HIT = 50, 4
"""How far into each list the fusion looks: max(50, 4k)."""


class Mode(StrEnum):
    SEMANTIC = "semantic"
    KEYWORD = "keyword"
    HYBRID = "hybrid"


@dataclass(frozen=True, slots=True)
class Hit:
    expert: Expert
    score: float
    """What the hits are ordered by: cosine similarity, BM25, or the sum of 1 / (60 + rank)."""
    similarity: float | None
    """Cosine similarity of query and expert; None in keyword mode, which needs no encoder."""
    semantic_rank: int | None
    keyword_rank: int | None
    """Ranks count from 1; None where that list does not reach down to the expert."""


@dataclass(frozen=True, slots=True)
class Results:
    query: str
    mode: Mode
    version: int
    hits: tuple[Hit, ...]
    seconds: float
    timings: Mapping[str, float] = field(default_factory=dict)
    """Seconds per step: encode, vectors, keywords, fuse, cards; only the steps that this mode has."""


@dataclass(slots=True)
class _Candidate:
    id: int
    score: float = 0.0
    similarity: float | None = None
    semantic_rank: int | None = None
    keyword_rank: int | None = None


def search(query: str, k: int = 10, mode: Mode = Mode.HYBRID, *, snapshot: Snapshot | None = None) -> Results:
    """The first `k` (1 to 100) active experts for `query`, all from one version: `snapshot`, or the live one.

    Any text is answered. Raises EmptyQuery where there is none, NoIndexYet, and EncoderUnavailable, except in
    keyword mode, when the model cannot be loaded or is not the one that the version was built with.
    """
    if not 1 <= k <= MAX_K:
        raise ValueError(f"k is {k}, expected 1 to {MAX_K}")
    began, steps = time.perf_counter(), Steps()
    text = query.strip()
    if not text:
        raise EmptyQuery
    try:
        snapshot = snapshot or live.current()
        vector = None
        if mode != Mode.KEYWORD:
            with steps.step("encode"):
                vector = _query_vector(text, snapshot)
        hits = _filled(snapshot, text, vector, k, mode, steps)
    except IndexingError:
        metrics.observe_search(mode, "error", time.perf_counter() - began)
        raise
    seconds = time.perf_counter() - began
    metrics.observe_search(mode, "hits" if hits else "nothing", seconds)
    return Results(text, mode, snapshot.number, hits, seconds, steps.seconds)


def _query_vector(text: str, snapshot: Snapshot) -> NDArray[np.float32]:
    encoder = encoders.get()
    require_same_model(encoder, snapshot)
    return encoders.query_vector(encoder, text)


def require_same_model(encoder: Encoder, snapshot: Snapshot) -> None:
    """Vectors of two models have nothing to do with each other. Raises EncoderUnavailable with the mend."""
    made_with = snapshot.manifest
    if (encoder.fingerprint, encoder.dimension) != (made_with.fingerprint, made_with.dimension):
        raise EncoderUnavailable(
            _(
                "Version %(number)s was built with the model %(built)s (%(fingerprint)s…), this process has "
                "%(name)s (%(own)s…): rebuild the index, or set TCS_MODEL_PATH to the former model and restart."
            )
            % {
                "number": snapshot.number,
                "built": made_with.model_name,
                "fingerprint": made_with.fingerprint[:8],
                "name": encoder.name,
                "own": encoder.fingerprint[:8],
            }
        )


def _filled(
    snapshot: Snapshot, text: str, vector: NDArray[np.float32] | None, k: int, mode: Mode, steps: Steps
) -> tuple[Hit, ...]:
    """The first `k` hits whose expert is still active. Where too many are not, the lists are read deeper."""
    depth = max(DEPTH, DEPTH_PER_HIT * k)
    cards: dict[int, Expert | None] = {}
    while True:
        ranked = _ranked(snapshot, text, vector, depth, mode, steps)
        with steps.step("cards"):
            hits = _hits(ranked, k, cards)
        if len(hits) == k or depth >= len(snapshot):
            return hits
        depth = min(depth * 8, len(snapshot))


def _hits(ranked: list[_Candidate], k: int, cards: dict[int, Expert | None]) -> tuple[Hit, ...]:
    """Cards in one query of `k` as a rule, and of as many more as are missing where experts are hidden."""
    hits: list[Hit] = []
    for start in range(0, len(ranked), k):
        some = ranked[start : start + k]
        unknown = [each.id for each in some if each.id not in cards]
        if unknown:
            found = Expert.objects.active().in_bulk(unknown)
            cards.update({each: found.get(each) for each in unknown})
        hits += _shown(some, cards)
        if len(hits) >= k:
            break
    return tuple(hits[:k])


def _shown(candidates: list[_Candidate], cards: dict[int, Expert | None]) -> Iterator[Hit]:
    for each in candidates:
        if expert := cards[each.id]:
            yield Hit(expert, each.score, each.similarity, each.semantic_rank, each.keyword_rank)


def _ranked(
    snapshot: Snapshot, text: str, vector: NDArray[np.float32] | None, depth: int, mode: Mode, steps: Steps
) -> list[_Candidate]:
    """Candidates best first. Hybrid: reciprocal rank fusion of the first `depth` of both lists.

    First by meaning only and first by words only score the same: the words decide, since some vector is always
    nearest, but who is found by a name or a rare word is meant. Then ties go by id.
    """
    by_id: dict[int, _Candidate] = {}
    if vector is not None:
        with steps.step("vectors"):
            ids, similarities = snapshot.semantic(vector, depth)
        for rank, (key, similarity) in enumerate(zip(ids.tolist(), similarities.tolist(), strict=True), 1):
            by_id[key] = _Candidate(key, score=similarity, similarity=similarity, semantic_rank=rank)
    if mode != Mode.SEMANTIC:
        with steps.step("keywords"):
            ids, scores = snapshot.keyword(text, depth)
        for rank, (key, score) in enumerate(zip(ids.tolist(), scores.tolist(), strict=True), 1):
            candidate = by_id.setdefault(key, _Candidate(key, score=score))
            candidate.keyword_rank = rank
    with steps.step("fuse"):
        if mode == Mode.HYBRID:
            _fuse(snapshot, vector, by_id)
        return sorted(by_id.values(), key=lambda each: (-each.score, each.keyword_rank or math.inf, each.id))


def _fuse(snapshot: Snapshot, vector: NDArray[np.float32] | None, by_id: dict[int, _Candidate]) -> None:
    for each in by_id.values():
        each.score = sum(1 / (RRF + rank) for rank in (each.semantic_rank, each.keyword_rank) if rank)
    by_words_only = [each for each in by_id.values() if each.similarity is None]
    if vector is not None and by_words_only:
        ids = np.array([each.id for each in by_words_only], np.int64)
        for each, similarity in zip(by_words_only, snapshot.similarities(vector, ids).tolist(), strict=True):
            each.similarity = similarity
