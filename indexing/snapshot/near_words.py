"""Words that are nearly the one typed: that begin with it, are one slip away, or are the same in two parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import tantivy
from tantivy import Occur, Query

from indexing.snapshot.keyword_schema import FIELDS, NAMES, WORDS
from indexing.snapshot.text_analysis import PLAIN, is_unspaced
from indexing.snapshot.word_statistics import WordStatistics

BEGIN_LETTERS, SLIP_LETTERS = 3, 4
"""The shortest words that are completed, and that are matched with one typing error. Characters and pairs of scripts
without spaces are neither."""
PART_LETTERS = 2
"""The shortest part of a word that may be written as two."""
MAX_PARTINGS = 3
LISTED = 100
"""Words with the same beginning that are looked up one by one; of more, tantivy walks the dictionary."""
SURNAME = (0.5, 0.4)
"""Share of a whole name for names that begin with it, and that are one slip away."""


@dataclass(frozen=True, slots=True)
class NearShares:
    """Score of near matches as fractions of the word's IDF: of words that begin with it, and of one slip."""

    name: tuple[float, float]
    text: tuple[float, float]
    parted: float


UNKNOWN = NearShares(name=(1.0, 0.95), text=(0.5, 0.45), parted=0.9)
"""For a word that no document contains. Misspelled words are names more often than not, and texts contain something
close to nearly every word. Surnames with one typing error, alone, in the hybrid mode: 97 % are among the first three;
92 % with 0.75 for both."""
ALONE = NearShares(name=(0.3, 0.2), text=(0.1, 0.05), parted=0.9)
"""For a query of one word that some documents contain. Below the score of those, except in texts twenty times as long
as the average."""
BESIDE = NearShares(name=(0.1, 0.05), text=(0.1, 0.05), parted=0.9)
"""For such a word beside others."""


class NearWords:
    """Builds the clauses for one index. Any number of threads may use it."""

    def __init__(self, schema: tantivy.Schema, statistics: WordStatistics, *, as_before: bool) -> None:
        self._schema = schema
        self._statistics = statistics
        self._as_before = as_before
        # Versions before format 5 have no field for near matches: theirs are in the fields themselves.
        self._names = "name" if as_before else NAMES
        self._texts = [field for field, kind in FIELDS.items() if kind != PLAIN] if as_before else [WORDS]

    def clauses(self, word: str, idf: float, *, known: bool, alone: bool, joined_names: bool) -> Iterator[Query]:
        """Near matches of a folded word. `known`: some document has it; `alone`: it is the whole query;
        `joined_names`: also in neighbouring words of a name as one."""
        if is_unspaced(word):
            return
        shares = (ALONE if alone else BESIDE) if known else UNKNOWN
        names = self._names if joined_names else "name"
        for fields, share in (([names], shares.name), (self._texts, shares.text)):
            for field in fields:
                for nearly, part in zip((self._beginning, self._one_slip), share, strict=True):
                    if forms := nearly(field, word):
                        yield Query.const_score_query(_any_of(forms), part * idf)
        for parted in self._parted(word):
            yield Query.const_score_query(parted, shares.parted * idf)

    def surname(self, word: str, score: float) -> Query:
        """A word that is somebody's surname, exactly or nearly."""
        exact = Query.term_query(self._schema, self._names, word, "basic")
        nearly = (self._beginning(self._names, word), self._one_slip(self._names, word))
        forms = [(exact, 1.0), *((_any_of(each), share) for each, share in zip(nearly, SURNAME, strict=True) if each)]
        return Query.disjunction_max_query([Query.const_score_query(form, share * score) for form, share in forms])

    def in_name(self, word: str, *, is_last: bool) -> Query:
        """The word in a name, with at most one typing error; the last one perhaps not yet typed to its end."""
        exact = Query.term_query(self._schema, self._names, word, "basic")
        started = self._starting(self._names, word) if is_last else []
        return _any_of([exact, *self._one_slip(self._names, word), *started])

    def _beginning(self, field: str, word: str) -> list[Query]:
        return self._starting(field, word) if len(word) >= BEGIN_LETTERS else []

    def _starting(self, field: str, word: str) -> list[Query]:
        if len(word) >= BEGIN_LETTERS and len(words := self._statistics.beginning_with(field, word)) <= LISTED:
            return self._terms(field, words)
        return [Query.fuzzy_term_query(self._schema, field, word, distance=0, prefix=True)]

    def _one_slip(self, field: str, word: str) -> list[Query]:
        if len(word) < SLIP_LETTERS:
            return []
        return self._terms(field, self._statistics.one_slip_from(field, word))

    def _terms(self, field: str, words: Iterable[str]) -> list[Query]:
        return [Query.term_query(self._schema, field, word, "basic") for word in words]

    def _parted(self, word: str) -> list[Query]:
        """The word in two, one after the other: full stack for fullstack. The likeliest places first."""
        if self._as_before:
            return []
        places = []
        for place in range(PART_LETTERS, len(word) - PART_LETTERS + 1):
            if first := self._statistics.count(WORDS, word[:place]):
                places.append((min(first, self._statistics.count(WORDS, word[place:])), place))
        likeliest = sorted((each for each in places if each[0]), reverse=True)[:MAX_PARTINGS]
        return [Query.phrase_query(self._schema, WORDS, [word[:place], word[place:]]) for _, place in likeliest]


def _any_of(queries: Sequence[Query]) -> Query:
    return Query.boolean_query([(Occur.Should, each) for each in queries])
