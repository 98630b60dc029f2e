"""Rank fusion: combine the semantic and the keyword ranking of a query into one.

Score of the hybrid mode = z + weight * coverage, where

- z = (similarity - mean) / standard deviation, over the similarities of the query to all experts: how far an
  expert is above the average. The size of a cosine depends on the model and the collection; z does not.
- coverage = BM25 / total IDF of the query: the share of the query's words, weighted by their rarity, that a profile
  contains. BM25 grows with the length of the query and the rarity of its words; coverage does not, and is about 1 for
  a profile that contains all of them. An exact username scores above everything.

A weighted sum of normalised scores beats fusion by rank, which discards how much better one expert is than the next
(Bruch, Gai and Ingber, “An Analysis of Fusion Functions for Hybrid Retrieval”, ACM TOIS 42(1), 2023).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexing.lib.timing import StepTimer
from indexing.snapshot.prefilter import Prefilter
from indexing.snapshot.reader import Snapshot

UNSEEN = 0.5
"""Share of the last score of a full keyword list that an expert below it is given: the true score lies between 0 and
all of it. At a depth of 300 this matters only in large directories."""
LEAST_DEVIATION = 0.01
"""Lower bound of the standard deviation of similarities; real ones are .05 to .13. With a smaller deviation all
experts are alike, and noise must not decide their order."""


@dataclass(frozen=True, slots=True)
class Fusion:
    """The settings TCS_SEARCH_...; tcs_site/settings.py has the measured figures behind their defaults."""

    keyword_weight: float
    semantic_depth: int
    keyword_depth: int


@dataclass(frozen=True, slots=True, eq=False)
class RankedHits:
    """The experts of a ranking, best first; every array has m rows."""

    ids: NDArray[np.int64]
    scores: NDArray[np.float64]
    similarities: NDArray[np.float64]
    """NaN where unknown"""
    semantic_ranks: NDArray[np.int64]
    keyword_ranks: NDArray[np.int64]
    """Ranks count from 1; 0 if the expert is not in that list."""

    def __len__(self) -> int:
        return len(self.ids)


def by_meaning(
    snapshot: Snapshot, vector: NDArray[np.float32], depth: int, timer: StepTimer, only: Prefilter | None = None
) -> RankedHits:
    """The `depth` experts nearest to `vector`, float32[d] of unit length, scored by cosine similarity."""
    with timer.step("vectors"):
        ids, similarities = snapshot.semantic(vector, depth, only)
    ranks = np.arange(1, len(ids) + 1)
    return _ordered(ids, similarities.astype(np.float64), similarities, ranks, np.zeros_like(ranks))


def by_words(
    snapshot: Snapshot, text: str, depth: int, timer: StepTimer, only: Prefilter | None = None
) -> RankedHits:
    """The best `depth` experts for the words of `text`, scored by BM25. Any text is answered, never an error."""
    with timer.step("keywords"):
        ids, scores = snapshot.keyword(text, depth, only)
    ranks = np.arange(1, len(ids) + 1)
    return _ordered(ids, scores.astype(np.float64), np.full(len(ids), np.nan), np.zeros_like(ranks), ranks)


def by_both(
    snapshot: Snapshot,
    text: str,
    vector: NDArray[np.float32],
    depths: tuple[int, int],
    weight: float,
    timer: StepTimer,
    only: Prefilter | None = None,
) -> RankedHits:
    """The experts in either list, scored by `fused_scores`. `vector` is float32[d] of unit length.

    `depths` is how many experts are read from the semantic and from the keyword list; `weight` is that of the words.
    """
    with timer.step("vectors"):
        near, near_similarities = snapshot.semantic(vector, depths[0], only)
    with timer.step("keywords"):
        query = snapshot.keywords.parse(text)
        worded, word_scores = snapshot.keywords.search(query, depths[1], only.conditions if only else None)
    with timer.step("fuse"):
        ids = np.union1d(near, worded)
        semantic_ranks, keyword_ranks = _ranks(ids, near), _ranks(ids, worded)
        similarities = _spread_out(near_similarities, semantic_ranks, 0.0)
        far = semantic_ranks == 0
        similarities[far] = snapshot.similarities(vector, ids[far])
        full = len(worded) == depths[1]
        words = _spread_out(word_scores, keyword_ranks, UNSEEN * float(word_scores[-1]) if full else 0.0)
        scores = fused_scores(similarities, snapshot.spread.over(vector), words, query.total_idf, weight)
        return _ordered(ids, scores, similarities, semantic_ranks, keyword_ranks)


def fused_scores(
    similarities: NDArray[np.float64],
    spread: tuple[float, float],
    words: NDArray[np.float64],
    total_idf: float,
    weight: float,
) -> NDArray[np.float64]:
    """float64[m]: z + weight * coverage, of cosine similarities[m] and BM25 scores `words`[m]; see the module.

    `spread` is the mean and the standard deviation of the similarities to all experts; `total_idf` is above 0.
    """
    mean, deviation = spread
    z = (similarities - mean) / max(deviation, LEAST_DEVIATION)
    return np.asarray(z + weight * words / total_idf, np.float64)


def _ranks(ids: NDArray[np.int64], listed: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64[m]: the rank in `listed` of each of the ascending `ids`, 0 for those not in it."""
    ranks = np.zeros(len(ids), np.int64)
    ranks[np.searchsorted(ids, listed)] = np.arange(1, len(listed) + 1)
    return ranks


def _spread_out(values: NDArray[np.float32], ranks: NDArray[np.int64], otherwise: float) -> NDArray[np.float64]:
    """float64[m]: the value at each rank, `otherwise` for rank 0."""
    return np.append(otherwise, values).astype(np.float64)[ranks]


def _ordered(
    ids: NDArray[np.int64],
    scores: NDArray[np.float64],
    similarities: NDArray[np.floating],
    semantic_ranks: NDArray[np.int64],
    keyword_ranks: NDArray[np.int64],
) -> RankedHits:
    """Best first. Equal scores are ordered by keyword rank, then by id."""
    word_order = np.where(keyword_ranks > 0, keyword_ranks, np.iinfo(np.int64).max)
    order = np.lexsort((ids, word_order, -scores))
    return RankedHits(
        ids[order],
        scores[order],
        np.asarray(similarities, np.float64)[order],
        semantic_ranks[order],
        keyword_ranks[order],
    )
