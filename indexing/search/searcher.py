"""A query to hits, over one version."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from django.conf import settings
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from experts.models import Expert
from experts.profiles import cards
from experts.profiles.cards import Card, TagName
from indexing import encoders
from indexing.encoders import Encoder
from indexing.errors import EmptyQuery, EncoderUnavailable, IndexingError
from indexing.lib.timing import Steps
from indexing.ops import metrics
from indexing.search import fusion as ranking
from indexing.search.filters import NONE, Filters
from indexing.search.fusion import Candidates, Fusion
from indexing.serving import live
from indexing.snapshot.reader import Snapshot
from indexing.snapshot.selection import Selection

MAX_K = 100
DEPTH_PER_HIT = 4
"""Both lists are read to 4k at least, however short the settings make them."""


class Mode(StrEnum):
    SEMANTIC = "semantic"
    KEYWORD = "keyword"
    HYBRID = "hybrid"


@dataclass(frozen=True, slots=True)
class Hit:
    expert: Expert
    score: float
    """What the hits are ordered by: cosine similarity, BM25, or what `indexing.search.fusion` makes of both."""
    similarity: float | None
    """Cosine similarity of query and expert; None in keyword mode, which needs no encoder."""
    semantic_rank: int | None
    keyword_rank: int | None
    """Ranks count from 1; None where that list does not reach down to the expert."""
    tags: tuple[TagName, ...] = ()
    """as they are now, by kind, then by name"""


@dataclass(frozen=True, slots=True)
class Results:
    query: str
    mode: Mode
    version: int
    hits: tuple[Hit, ...]
    seconds: float
    timings: Mapping[str, float] = field(default_factory=dict)
    """Seconds per step: encode, vectors, keywords, fuse, cards; only the steps that this mode has."""


def search(
    query: str,
    k: int = 10,
    mode: Mode = Mode.HYBRID,
    *,
    snapshot: Snapshot | None = None,
    vector: NDArray[np.float32] | None = None,
    filters: Filters = NONE,
) -> Results:
    """The first `k` (1 to 100) active experts for `query`, all from one version: `snapshot`, or the live one.

    Only those are found who pass the filters: `k` of them wherever there are so many.
    `vector` is the query's, where the caller has encoded many at once, with the model of `snapshot`.
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
        if mode == Mode.KEYWORD:
            vector = None
        elif vector is None:
            with steps.step("encode"):
                vector = query_vector(text, snapshot)
        hits = _filled(snapshot, text, vector, k, mode, steps, filters.selection(snapshot.facets))
    except IndexingError:
        metrics.observe_search(mode, "error", time.perf_counter() - began)
        raise
    seconds = time.perf_counter() - began
    metrics.observe_search(mode, "hits" if hits else "nothing", seconds)
    return Results(text, mode, snapshot.number, hits, seconds, steps.seconds)


def query_vector(text: str, snapshot: Snapshot) -> NDArray[np.float32]:
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


def has_model(fingerprint: str, dimension: int) -> bool:
    """Is this the process's model? Any is, until that is loaded or where it cannot be."""
    if encoders.status() != "ready":
        return True
    encoder = encoders.identified()
    return (encoder.fingerprint, encoder.dimension) == (fingerprint, dimension)


def fusion_from(settings: object) -> Fusion:
    """The fusion out of anything that has the settings as attributes."""
    return Fusion(**{name: getattr(settings, f"TCS_SEARCH_{name.upper()}") for name in Fusion.__dataclass_fields__})


def _filled(
    snapshot: Snapshot,
    text: str,
    vector: NDArray[np.float32] | None,
    k: int,
    mode: Mode,
    steps: Steps,
    only: Selection | None,
) -> tuple[Hit, ...]:
    """The first `k` hits whose expert is still active. Where too many are not, the lists are read deeper."""
    everybody = only.count if only else len(snapshot)
    if not everybody:
        return ()
    fusion, farther = fusion_from(settings), 1
    known: dict[int, Card | None] = {}
    while True:
        depths = (
            min(max(fusion.semantic_depth, DEPTH_PER_HIT * k) * farther, everybody),
            min(max(fusion.keyword_depth, DEPTH_PER_HIT * k) * farther, everybody),
        )
        candidates = _candidates(snapshot, text, vector, depths, fusion, mode, steps, only)
        with steps.step("cards"):
            hits = _hits(candidates, k, known)
        if len(hits) == k or min(depths) == everybody:
            return hits
        farther *= 8


def _candidates(
    snapshot: Snapshot,
    text: str,
    vector: NDArray[np.float32] | None,
    depths: tuple[int, int],
    fusion: Fusion,
    mode: Mode,
    steps: Steps,
    only: Selection | None,
) -> Candidates:
    if vector is None:
        return ranking.by_words(snapshot, text, depths[1], steps, only)
    if mode == Mode.SEMANTIC:
        return ranking.by_meaning(snapshot, vector, depths[0], steps, only)
    return ranking.by_both(snapshot, text, vector, depths, fusion.keyword_weight, steps, only)


def _hits(candidates: Candidates, k: int, known: dict[int, Card | None]) -> tuple[Hit, ...]:
    """Cards in one query of `k` as a rule, and of as many more as are missing where experts are hidden."""
    hits: list[Hit] = []
    for start in range(0, len(candidates), k):
        rows = range(start, min(start + k, len(candidates)))
        unknown = [key for key in candidates.ids[rows.start : rows.stop].tolist() if key not in known]
        if unknown:
            found = cards.read(unknown)
            known.update({each: found.get(each) for each in unknown})
        hits += (_hit(candidates, row, card) for row in rows if (card := known[int(candidates.ids[row])]))
        if len(hits) >= k:
            break
    return tuple(hits[:k])


def _hit(candidates: Candidates, row: int, card: Card) -> Hit:
    similarity = float(candidates.similarities[row])
    return Hit(
        card.expert,
        score=float(candidates.scores[row]),
        similarity=None if math.isnan(similarity) else similarity,
        semantic_rank=int(candidates.semantic_ranks[row]) or None,
        keyword_rank=int(candidates.keyword_ranks[row]) or None,
        tags=card.tags,
    )
