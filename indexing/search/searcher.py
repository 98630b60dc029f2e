"""Search one version: from a query to ranked experts."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from experts import cards
from experts.cards import Card, TagName
from experts.models import Expert
from experts.profiles.letters import plain_letters
from indexing import encoders
from indexing.encoders.same_model import require_same_model
from indexing.errors import EmptyQuery, IndexingError
from indexing.lib.timing import StepTimer
from indexing.models.searches import Mode
from indexing.search import counters
from indexing.search import fusion as ranking
from indexing.search.best_passages import Best, DocumentPassage, best_passages
from indexing.search.filters import NONE, Filters
from indexing.search.fusion import Fusion
from indexing.search.ranked import NOBODY, RankedHits
from indexing.snapshot import query_syntax
from indexing.snapshot.prefilter import Prefilter
from indexing.snapshot.reader import Snapshot

MAX_K = 100
DEPTH_PER_HIT = 4
"""Both rankings are read to a depth of at least 4 * k, however shallow the settings make them."""


@dataclass(frozen=True, slots=True)
class Hit:
    expert: Expert
    score: float
    """Hits are sorted by it: cosine similarity, BM25, or the fusion of both (`indexing.search.fusion`)."""
    similarity: float | None
    """Cosine similarity of query and expert; None in keyword mode, which encodes nothing."""
    semantic_rank: int | None
    keyword_rank: int | None
    """Ranks count from 1; None if the expert is not in that list."""
    tags: tuple[TagName, ...] = ()
    """As in the directory now, by kind, then by name."""
    passage: tuple[int, int] | None = None
    """Start and length, in the bio, of the passage nearest to the query. None if the profile is short and counts as a
    whole, if the hit was found by its words only, and if the bio changed since the version was built."""
    document: DocumentPassage | None = None
    """The passage nearest to the query, if it is in a document."""
    is_strong: bool = True
    """Strong matches come first. True for all if the version cannot tell."""


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """The experts that a query found, before those are left out who became inactive since the version was built."""

    ids: NDArray[np.int64]
    """Strong matches, best first; all that were read if the version cannot tell which are strong."""
    are_strong: bool
    """Whether the version can tell."""
    is_cut_off: bool
    """Whether there are more than were read."""


NO_MATCHES = Matches(np.empty(0, np.int64), are_strong=True, is_cut_off=False)


@dataclass(frozen=True, slots=True)
class Results:
    query: str
    mode: Mode
    version: int
    hits: tuple[Hit, ...]
    seconds: float
    timings: Mapping[str, float] = field(default_factory=dict)
    """Seconds per step: encode, vectors, keywords, fuse, feedback, cards; only the steps that this mode has."""
    matches: Matches = NO_MATCHES
    vector: NDArray[np.float32] | None = field(default=None, compare=False)
    """float32[d]: the query's embedding; None in keyword mode and without words."""
    has_words: bool = True
    """A query without any word, such as “!!!”, finds nobody."""


def search(
    query: str,
    snapshot: Snapshot,
    k: int = 10,
    mode: Mode = Mode.HYBRID,
    *,
    vector: NDArray[np.float32] | None = None,
    filters: Filters = NONE,
) -> Results:
    """The best `k` (1 to 100) active experts of one version for `query`.

    Filters apply inside the search: there are `k` hits whenever `k` active experts pass them.
    `vector`, float32[d] of unit length, is the query's embedding if the caller has encoded it already, with the model
    that `snapshot` was built with.
    Any text gets an answer. Raises EmptyQuery for a blank one; ValueError for another `k`; and, except in keyword
    mode, EncoderUnavailable if the model cannot be loaded or is not the one that the version was built with.
    """
    if not 1 <= k <= MAX_K:
        raise ValueError(f"k is {k}, expected 1 to {MAX_K}")
    began, timer = time.perf_counter(), StepTimer()
    text = query.strip()
    if not text:
        raise EmptyQuery
    try:
        has_words = snapshot.keywords.has_words(text)
        if mode == Mode.KEYWORD or not has_words:
            vector = None
        elif vector is None:
            with timer.step("encode"):
                vector = query_vector(text, snapshot)
        hits, matches = _filled(snapshot, text, vector, k, mode, timer, filters.prefilter(snapshot, text))
        if vector is not None:
            hits = _with_passages(hits, snapshot, vector)
    except IndexingError:
        counters.count_search(mode, "error", time.perf_counter() - began)
        raise
    seconds = time.perf_counter() - began
    counters.count_search(mode, "hits" if hits else "nothing", seconds)
    return Results(text, mode, snapshot.number, hits, seconds, timer.seconds, matches, vector, has_words)


def query_vector(text: str, snapshot: Snapshot) -> NDArray[np.float32]:
    """float32[d], unit length, read-only: the embedding of `text` by the model of `snapshot`.

    Raises EncoderUnavailable if this process cannot load that model.
    """
    encoder = encoders.loaded()
    require_same_model(encoder, snapshot.manifest)
    return encoders.query_vector(encoder, plain_letters(query_syntax.read(text).text))


def fusion_from(settings: object) -> Fusion:
    """The settings of the fusion, read from any object that has the TCS_SEARCH_... settings as attributes."""
    return Fusion(**{name: getattr(settings, f"TCS_SEARCH_{name.upper()}") for name in Fusion.__dataclass_fields__})


def matches_of(
    text: str, snapshot: Snapshot, mode: Mode, vector: NDArray[np.float32] | None, filters: Filters
) -> Matches:
    """Who is found under other filters, without their cards. `vector`, float32[d], is that of its `Results`."""
    only = filters.prefilter(snapshot, text)
    total = only.count if only else len(snapshot)
    if not total:
        return NO_MATCHES
    depths = _depths(1, 1, total)
    return _matches(_ranked(snapshot, text, vector, depths, mode, StepTimer(), only), depths, total)


def _filled(
    snapshot: Snapshot,
    text: str,
    vector: NDArray[np.float32] | None,
    k: int,
    mode: Mode,
    timer: StepTimer,
    only: Prefilter | None,
) -> tuple[tuple[Hit, ...], Matches]:
    """The best `k` hits whose experts are still active. If too many are not, the rankings are read deeper."""
    total = only.count if only else len(snapshot)
    if not total:
        return (), NO_MATCHES
    deeper = 1
    known: dict[int, Card | None] = {}
    while True:
        depths = _depths(k, deeper, total)
        ranked = _ranked(snapshot, text, vector, depths, mode, timer, only)
        with timer.step("cards"):
            hits = active_hits(ranked, k, known)
        if len(hits) == k or min(depths) == total or ranked.is_whole:
            return hits, _matches(ranked, depths, total)
        deeper *= 8


def first_ranking(
    snapshot: Snapshot, text: str, vector: NDArray[np.float32] | None, mode: Mode, only: Prefilter | None
) -> RankedHits:
    """The ranking that a search for MAX_K experts reads first; experts who are not active any more are in it too.

    `vector` is float32[d]; None in keyword mode.
    """
    depths = _depths(MAX_K, 1, only.count if only else len(snapshot))
    return _ranked(snapshot, text, vector, depths, mode, StepTimer(), only)


def _depths(k: int, deeper: int, total: int) -> tuple[int, int]:
    """How many of `total` experts are read by meaning and by words, to show `k`."""
    fusion = fusion_from(settings)
    return (
        min(max(fusion.semantic_depth, DEPTH_PER_HIT * k) * deeper, total),
        min(max(fusion.keyword_depth, DEPTH_PER_HIT * k) * deeper, total),
    )


def _with_passages(hits: tuple[Hit, ...], snapshot: Snapshot, vector: NDArray[np.float32]) -> tuple[Hit, ...]:
    by_meaning = [hit for hit in hits if hit.semantic_rank]
    found = best_passages([hit.expert for hit in by_meaning], snapshot, vector)
    of_expert = {hit.expert.pk: passage for hit, passage in zip(by_meaning, found, strict=True) if passage}
    return tuple(_with_passage(hit, of_expert.get(hit.expert.pk)) for hit in hits) if of_expert else hits


def _with_passage(hit: Hit, best: Best) -> Hit:
    if isinstance(best, DocumentPassage):
        return replace(hit, document=best)
    return replace(hit, passage=best) if best else hit


def _matches(ranked: RankedHits, depths: tuple[int, int], total: int) -> Matches:
    ids = ranked.ids if ranked.strong is None else ranked.ids[ranked.strong]
    return Matches(ids, ranked.strong is not None, is_cut_off=min(depths) <= len(ids) < total)


def _ranked(
    snapshot: Snapshot,
    text: str,
    vector: NDArray[np.float32] | None,
    depths: tuple[int, int],
    mode: Mode,
    timer: StepTimer,
    only: Prefilter | None,
) -> RankedHits:
    if not snapshot.keywords.has_words(text):
        return NOBODY
    if vector is None:
        return ranking.by_words(snapshot, text, depths[1], timer, only)
    if mode == Mode.SEMANTIC:
        return ranking.by_meaning(snapshot, text, vector, depths[0], timer, only)
    return ranking.by_both(snapshot, text, vector, depths, timer, only)


def active_hits(ranked: RankedHits, k: int, known: dict[int, Card | None]) -> tuple[Hit, ...]:
    """Reads the cards `k` at a time until there are `k` hits: one query, unless experts were deactivated since."""
    hits: list[Hit] = []
    for start in range(0, len(ranked), k):
        rows = range(start, min(start + k, len(ranked)))
        unknown = [key for key in ranked.ids[rows.start : rows.stop].tolist() if key not in known]
        if unknown:
            found = cards.read_cards(unknown)
            known.update({each: found.get(each) for each in unknown})
        hits += (_hit(ranked, row, card) for row in rows if (card := known[int(ranked.ids[row])]))
        if len(hits) >= k:
            break
    return tuple(hits[:k])


def _hit(ranked: RankedHits, row: int, card: Card) -> Hit:
    similarity = float(ranked.similarities[row])
    return Hit(
        card.expert,
        score=float(ranked.scores[row]),
        similarity=None if math.isnan(similarity) else similarity,
        semantic_rank=int(ranked.semantic_ranks[row]) or None,
        keyword_rank=int(ranked.keyword_ranks[row]) or None,
        tags=card.tags,
        is_strong=ranked.strong is None or bool(ranked.strong[row]),
    )
