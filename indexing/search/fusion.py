"""Rank fusion: combine the semantic and the keyword ranking of a query into one.

Score of the hybrid mode = z + weight * words, where

- z = (similarity - mean) / standard deviation, over the similarities of the query to all experts: how far an
  expert is above the average. The size of a cosine depends on the model and the collection; z does not.
- words = M / sqrt(information). M is the BM25 of the query's words, each weighted by its rarity once more, so that
  common words count for next to nothing; information is what all of them say (`KeywordQuery`). Divided by its root, a
  full match of a long query counts for more than one of a short query, but not in proportion. An exact username
  scores above everything.
- M also has the words that the first experts of a first round have in common (`FeedbackTerms`); what the query says
  stays as it is.
- If some words of a sentence are in no profile, words are multiplied by the root of the share of the information that
  the others hold: where nobody has the word that matters, such as “warm” in “who makes old houses warm”, the
  rest must not decide. A query of keywords alone is often a name with a slip.
  Sentences .746 -> .787 (p .03); speakers, three-word queries and long profiles within .001.
- weight = WORD_WEIGHT, or KEYWORD_WEIGHT for a query without function words: see `ranking_constants`.

A weighted sum of normalised scores beats fusion by rank, which discards how much better one expert is than the next
(Bruch, Gai and Ingber, “An Analysis of Fusion Functions for Hybrid Retrieval”, ACM TOIS 42(1), 2023).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from indexing.lib.timing import StepTimer
from indexing.search import strength
from indexing.search.piece_words import LOOKED_AT, PieceWords
from indexing.search.ranked import RankedHits, ordered
from indexing.snapshot.keyword_query import KeywordQuery
from indexing.snapshot.meaning_index import Nearness
from indexing.snapshot.prefilter import Prefilter
from indexing.snapshot.ranking_constants import FEEDBACK_EXPERTS, KEYWORD_WEIGHT, WORD_WEIGHT
from indexing.snapshot.reader import Snapshot

UNSEEN = 0.5
"""Share of the last score of a full keyword list that an expert below it is given: the true score lies between 0 and
all of it. At a depth of 300 this matters only in large directories."""
LEAST_DEVIATION = 0.01
"""Lower bound of the standard deviation of similarities; real ones are .05 to .13. With a smaller deviation all
experts are alike, and noise must not decide their order."""


Ranking = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Expert ids [m] and similarities or scores [m], best first."""


@dataclass(frozen=True, slots=True)
class Fusion:
    """The settings TCS_SEARCH_...; tcs_site/settings.py has the measured figures behind their defaults."""

    semantic_depth: int
    keyword_depth: int


def by_meaning(
    snapshot: Snapshot,
    text: str,
    vector: NDArray[np.float32],
    depth: int,
    timer: StepTimer,
    only: Prefilter | None = None,
) -> RankedHits:
    """The `depth` experts nearest to `vector`, float32[d] of unit length, scored by cosine similarity."""
    with timer.step("vectors"):
        ids, near = snapshot.semantic(vector, depth, only)
    ranks, similarities = np.arange(1, len(ids) + 1), near.astype(np.float64)
    ranked = ordered(ids, similarities, similarities, ranks, np.zeros_like(ranks))
    threshold = snapshot.manifest.strong_similarity
    strong = strength.by_similarity(ranked.similarities, threshold)
    return strength.with_strength(ranked, snapshot.keywords.parse(text), threshold, strong)


def by_words(
    snapshot: Snapshot, text: str, depth: int, timer: StepTimer, only: Prefilter | None = None
) -> RankedHits:
    """The best `depth` experts for the words of `text`, scored by BM25. Any text is answered, never an error."""
    with timer.step("keywords"):
        query = snapshot.keywords.parse(text)
        ids, scores = snapshot.keywords.search(query, depth, only.conditions if only else None)
    ranks = np.arange(1, len(ids) + 1)
    ranked = ordered(ids, scores.astype(np.float64), np.full(len(ids), np.nan), np.zeros_like(ranks), ranks)
    strong = strength.by_share(ranked.scores, query)
    return strength.with_strength(ranked, query, snapshot.manifest.strong_similarity, strong)


def by_both(
    snapshot: Snapshot,
    text: str,
    vector: NDArray[np.float32],
    depths: tuple[int, int],
    timer: StepTimer,
    only: Prefilter | None = None,
) -> RankedHits:
    """The experts in either list, scored by `fused_scores`. `vector` is float32[d] of unit length.

    `depths` is how many experts are read from the semantic and from the keyword list.
    """
    with timer.step("vectors"):
        near, nearness = snapshot.compared(vector, depths[0], only)
        spread = snapshot.spread.over(vector)
    with timer.step("keywords"):
        query = snapshot.keywords.parse(text)
        worded = snapshot.keywords.search(query, depths[1], only.conditions if only else None)
    pieces = PieceWords(snapshot, vector, query)
    fused = partial(_fused, snapshot, pieces, nearness, near, worded, depths[1], spread)
    with timer.step("fuse"):
        first = fused(worded, query)
    with timer.step("feedback"):
        longer = extended(snapshot, pieces, query, first)
        scored = snapshot.keywords.search(longer, depths[1], only.conditions if only else None) if longer else worded
        last = fused(scored, longer) if longer else first
    return _judged(last, query, snapshot.manifest.strong_similarity, spread, worded)


def _judged(
    ranked: RankedHits,
    query: KeywordQuery,
    threshold: float | None,
    spread: tuple[float, float],
    worded: Ranking,
) -> RankedHits:
    """The ranking with what is strong in it; see `strength`."""
    if threshold is None:
        return ranked
    if query.known_information:
        strong = ranked.scores >= z_scores(np.array([threshold]), spread)
    else:
        by_words = np.append(worded[1], 0.0).astype(np.float64)[ranked.keyword_ranks - 1]
        strong = strength.by_similarity(ranked.similarities, threshold) | strength.by_share(by_words, query)
    return strength.with_strength(ranked, query, threshold, strong)


def extended(snapshot: Snapshot, pieces: PieceWords, query: KeywordQuery, first: RankedHits) -> KeywordQuery | None:
    """The query with the words of the first experts, of long profiles those of the nearest piece; None if there are
    none to add."""
    if snapshot.feedback is None or not len(first):
        return None
    best = slice(0, FEEDBACK_EXPERTS)
    shares = np.exp(first.scores[best] - first.scores[0])
    rows = snapshot.rows(first.ids[best])
    nearest, by_piece = pieces.nearest(rows)
    texts, counting = np.concatenate([rows, nearest]), np.concatenate([shares * (1 - by_piece), shares * by_piece])
    added = snapshot.feedback.common(texts[counting > 0], counting[counting > 0], query.terms, query.highest_idf)
    return snapshot.keywords.extended(query, added) if added else None


def _fused(
    snapshot: Snapshot,
    pieces: PieceWords,
    nearness: Nearness,
    near: Ranking,
    worded: Ranking,
    depth: int,
    spread: tuple[float, float],
    scored: Ranking,
    query: KeywordQuery,
) -> RankedHits:
    """The experts near in meaning or in the list `scored` of the words, which has at most `depth`, by score.

    Keyword ranks are those in `worded`, by the query's own words.
    """
    ids = np.union1d(near[0], scored[0])
    semantic_ranks, places = _ranks(ids, near[0]), _ranks(ids, scored[0])
    similarities = _spread_out(near[1], semantic_ranks, 0.0)
    far = semantic_ranks == 0
    similarities[far] = nearness.of(snapshot.rows(ids[far]))
    full = len(scored[0]) == depth
    words = _spread_out(scored[1], places, UNSEEN * float(scored[1][-1]) if full else 0.0)
    scores = fused_scores(similarities, spread, words, query)
    first = np.lexsort((ids, -scores))[:LOOKED_AT]
    words[first] = pieces.blended(snapshot.rows(ids[first]), words[first])
    scores[first] = fused_scores(similarities[first], spread, words[first], query)
    return ordered(ids, scores, similarities, semantic_ranks, _ranks(ids, worded[0]), query)


def fused_scores(
    similarities: NDArray[np.float64],
    spread: tuple[float, float],
    words: NDArray[np.float64],
    query: KeywordQuery,
) -> NDArray[np.float64]:
    """float64[m]: z + weight * words / sqrt(information), of cosine similarities[m] and scores `words`[m] of the
    keyword index; see the module. `spread` is the mean and the standard deviation of the similarities to all
    experts."""
    return np.asarray(z_scores(similarities, spread) + word_factor(query) * words, np.float64)


def z_scores(similarities: NDArray[np.float64], spread: tuple[float, float]) -> NDArray[np.float64]:
    """float64[m]: how many standard deviations each similarity is above the mean; `spread` is both."""
    mean, deviation = spread
    return np.asarray((similarities - mean) / max(deviation, LEAST_DEVIATION), np.float64)


def word_factor(query: KeywordQuery) -> float:
    """By what a score of the keyword index is multiplied in a hybrid score."""
    weight = KEYWORD_WEIGHT if query.only_keywords else WORD_WEIGHT
    is_sentence = query.known_information and not query.only_keywords
    known = query.known_information / query.own_information if is_sentence else 1.0
    return weight * math.sqrt(known / query.information)


def _ranks(ids: NDArray[np.int64], listed: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64[m]: the rank in `listed` of each of the ascending `ids`, 0 for those not in it."""
    ranks = np.zeros(len(ids) + 1, np.int64)
    places = np.searchsorted(ids, listed)
    known = np.append(ids, -1)[places] == listed
    ranks[places[known]] = np.flatnonzero(known) + 1
    return ranks[:-1]


def _spread_out(values: NDArray[np.float32], ranks: NDArray[np.int64], otherwise: float) -> NDArray[np.float64]:
    """float64[m]: the value at each rank, `otherwise` for rank 0."""
    return np.append(otherwise, values).astype(np.float64)[ranks]
