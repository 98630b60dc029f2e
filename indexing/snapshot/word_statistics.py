"""How many documents of an index have a word, and what it tells."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache, partial

import tantivy

from indexing.snapshot.vocabulary import Vocabulary

KNOWN = 16_384
"""Counts that are remembered, in about 4 MB: a query asks for hundreds, of every word in each field and language."""
KNOWN_SLIPS = 1_024


class WordStatistics:
    """Reads one index. Any number of threads may use it."""

    def __init__(self, searcher: tantivy.Searcher) -> None:
        self._searcher = searcher
        self._count = lru_cache(maxsize=KNOWN)(searcher.doc_freq)
        # Nothing that is remembered refers to `self`: such a cycle would keep the index's files open for a while.
        vocabulary = cache(partial(_vocabulary, searcher))
        self.one_slip_from = lru_cache(maxsize=KNOWN_SLIPS)(partial(_one_slip_from, vocabulary))
        """(field, word) -> the words of the field that are one slip away, and the word itself if the field has it."""

    def count(self, field: str, word: str) -> int:
        """The documents that have the word, as it is stored, in the field."""
        return self._count(field, word)

    def counts(self, field: str, forms: Sequence[str]) -> dict[str, int]:
        """Form of a word -> the documents that have it in the field; only the forms that some document has."""
        return {form: count for form in forms if (count := self._count(field, form))}

    def beginning_with(self, field: str, prefix: str) -> list[str]:
        """The words of the field that begin with `prefix`, those in most documents first."""
        return [word for word, _ in self._searcher.terms_with_prefix(field, prefix)]

    def most(self, places: Iterable[tuple[str, Sequence[str]]]) -> int:
        """The documents that have a word, in any form, in the field where most have it."""
        return max((sum(self.counts(field, forms).values()) for field, forms in places), default=0)

    def idf(self, count: int) -> float:
        """Inverse document frequency of a term that `count` of the documents contain.

        ln(1 + (N - n + 1/2) / (n + 1/2)) for n of N documents: the formula of tantivy (query/bm25.rs) and Lucene,
        after Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009).
        """
        total = self._searcher.num_docs
        return math.log1p((total - min(count, total) + 0.5) / (min(count, total) + 0.5))


def _vocabulary(searcher: tantivy.Searcher, field: str) -> Vocabulary:
    return Vocabulary(word for word, _ in searcher.terms_with_prefix(field, ""))


def _one_slip_from(vocabulary: Callable[[str], Vocabulary], field: str, word: str) -> list[str]:
    return vocabulary(field).one_slip_from(word)
