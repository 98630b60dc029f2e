"""A ranking of experts, before their cards are read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexing.snapshot.keyword_query import KeywordQuery


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
    query: KeywordQuery | None = None
    """The words that were scored, with those of the first experts; None by meaning or by words alone."""
    strong: NDArray[np.bool_] | None = None
    """Which matches are strong: the first ones. None if the version cannot tell."""
    is_whole: bool = False
    """Whether nobody else would be shown, however deep the lists were read."""

    def __len__(self) -> int:
        return len(self.ids)

    def judged(self, strong: NDArray[np.bool_], *, only_strong: bool) -> RankedHits:
        """The same with what is strong, bool[m]; with `only_strong` the others are left out."""
        kept = strong if only_strong else np.ones(len(self), np.bool_)
        return RankedHits(
            self.ids[kept],
            self.scores[kept],
            self.similarities[kept],
            self.semantic_ranks[kept],
            self.keyword_ranks[kept],
            self.query,
            strong[kept],
            is_whole=only_strong,
        )


def ordered(
    ids: NDArray[np.int64],
    scores: NDArray[np.float64],
    similarities: NDArray[np.floating],
    semantic_ranks: NDArray[np.int64],
    keyword_ranks: NDArray[np.int64],
    query: KeywordQuery | None = None,
) -> RankedHits:
    """Best first; arrays int64[m] and float64[m] as in `RankedHits`. Equal scores: by keyword rank, then by id."""
    word_order = np.where(keyword_ranks > 0, keyword_ranks, np.iinfo(np.int64).max)
    order = np.lexsort((ids, word_order, -scores))
    return RankedHits(
        ids[order],
        scores[order],
        np.asarray(similarities, np.float64)[order],
        semantic_ranks[order],
        keyword_ranks[order],
        query,
    )


def _nobody() -> RankedHits:
    ids, none = np.empty(0, np.int64), np.empty(0, np.float64)
    return RankedHits(ids, none, none, ids, ids, strong=np.empty(0, np.bool_), is_whole=True)


NOBODY = _nobody()
