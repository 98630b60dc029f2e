"""Which matches of a query are strong, and whether it finds anybody at all.

A version stores how near queries that mean nothing come to somebody in its directory (`Manifest.strong_similarity`).

- By meaning, a match is strong from that similarity on.
- By words, if the profile has STRONG_SHARE of what the query's words say.
- By both, if its score is at least that of an expert of that similarity without any of the words, so that words make
  up for meaning. Strong matches are the first ones in every mode: a line can be drawn below them.

A query of which nobody has a word means something only to experts who match strongly in one way: by meaning, or by
words that are nearly theirs, such as a name with a slip. Otherwise it finds nobody.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indexing.search.ranked import RankedHits
from indexing.snapshot.keyword_query import KeywordQuery
from indexing.snapshot.ranking_constants import STRONG_SHARE

ROUNDING = 1e-4


def with_strength(
    ranked: RankedHits, query: KeywordQuery, threshold: float | None, strong: NDArray[np.bool_]
) -> RankedHits:
    """`ranked` with what is strong, bool[m]; only those if nobody has a word of the query.

    Without a threshold all matches are shown, and none is called strong or weak.
    """
    return ranked if threshold is None else ranked.judged(strong, only_strong=not query.known_information)


def by_similarity(similarities: NDArray[np.float64], threshold: float | None) -> NDArray[np.bool_]:
    """bool[m]: which of the similarities are strong; none without a threshold."""
    return similarities >= (np.inf if threshold is None else threshold)


def by_share(scores: NDArray[np.float64], query: KeywordQuery) -> NDArray[np.bool_]:
    """bool[m]: which scores of the keyword index, float64[m], have STRONG_SHARE of what the words say."""
    return (scores > 0) & (scores >= STRONG_SHARE * query.own_information * (1 - ROUNDING))
