"""What the nearest piece of a long profile has of the words of a query.

The keyword index knows a profile as a whole. One about twenty subjects has most words of any query somewhere, and in
one index of pieces beside it everybody would be searched twice. So the first experts of a ranking are looked at more
closely: of those with several pieces, the piece that is nearest in meaning decides a part of the score of the words.
It is the one that is shown. Its words also stand for the whole profile among those that are added to the query.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indexing.snapshot.feedback_terms import FeedbackTerms
from indexing.snapshot.keyword_query import KeywordQuery
from indexing.snapshot.ranking_constants import FEW_PIECES, PIECE_SHARE
from indexing.snapshot.reader import Snapshot

LOOKED_AT = 50
"""Experts of a ranking whose pieces are read, the first ones: .3 ms."""


class PieceWords:
    """The nearest pieces of experts for one query. Without any in a version of an earlier release."""

    def __init__(self, snapshot: Snapshot, vector: NDArray[np.float32], query: KeywordQuery) -> None:
        """`vector` is float32[d], and `query` has the words that were typed."""
        self._snapshot, self._vector, self._words = snapshot, vector, query.scoring
        feedback = snapshot.feedback
        self._terms = feedback if feedback and feedback.has_pieces(len(snapshot)) else None
        self._known: dict[int, tuple[int, float, float]] = {}

    def blended(self, rows: NDArray[np.int64], words: NDArray[np.float64]) -> NDArray[np.float64]:
        """float64[k]: the scores `words`, float64[k], of the experts in `rows`, int64[k], with the share of their
        nearest piece."""
        _, shares, by_piece = self._of(rows)
        return np.asarray(words + PIECE_SHARE * shares * (by_piece - words), np.float64)

    def of_words(self, row: int) -> tuple[float, dict[str, float]]:
        """Which share of an expert's score the nearest piece decides, and the score of each typed word in it."""
        pieces, shares, _ = self._of(np.array([row]))
        if self._terms is None or not shares[0]:
            return 0.0, {}
        scores = self._scores(self._terms, pieces)[0].tolist()
        return PIECE_SHARE * float(shares[0]), dict(zip((word.plain for word in self._words), scores, strict=True))

    def nearest(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """For each of `rows`, int64[k]: the row of the nearest piece among the terms, int64[k], and how much it
        counts beside the whole profile, float64[k]. 0 for short profiles, and where a document is nearest."""
        pieces, shares, _ = self._of(rows)
        return pieces, shares

    def _of(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """What `nearest` returns, and the score of the words in that piece, float64[k]: 0 where it does not count.
        Each is read once."""
        if self._terms is None:
            return rows, np.zeros(len(rows)), np.zeros(len(rows))
        if new := [row for row in rows.tolist() if row not in self._known]:
            nearest, counts = self._snapshot.meaning.nearest_pieces(self._vector, np.array(new, np.int64))
            pieces = np.where(counts > 0, len(self._snapshot) + nearest, new)
            shares = np.maximum(0.0, 1 - FEW_PIECES / np.maximum(counts, 1)) * (self._terms.counts(pieces) > 0)
            scores, counting = np.zeros(len(new)), shares > 0
            if counting.any():
                scores[counting] = self._scores(self._terms, pieces[counting]).sum(axis=1)
            each = zip(pieces.tolist(), shares.tolist(), scores.tolist(), strict=True)
            self._known.update(zip(new, each, strict=True))
        known = np.array([self._known[row] for row in rows.tolist()], np.float64).reshape(-1, 3)
        return known[:, 0].astype(np.int64), known[:, 1], known[:, 2]

    def _scores(self, terms: FeedbackTerms, pieces: NDArray[np.int64]) -> NDArray[np.float64]:
        return terms.scores(pieces, [word.forms for word in self._words])
