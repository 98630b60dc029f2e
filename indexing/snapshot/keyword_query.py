"""From what somebody typed to a tantivy query over the keyword index.

What people type is words, never query syntax: queries are built from analysed terms, so no character has a special
meaning and every text can be answered.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import tantivy
from tantivy import FieldType, Occur, Query

from indexing.snapshot.keyword_schema import FIELDS, HANDLE, LABEL, RATE
from indexing.snapshot.prefilter import KeywordConditions
from indexing.snapshot.text_analysis import (
    PLAIN,
    STEMMED,
    Term,
    analyse_query,
    scoring_terms,
    whole_text_term,
)

HANDLE_SCORE = 1_000.0
"""Above any BM25 score: whoever types a username means that person."""
NAME_WORDS = 4
"""Queries of 2 to 4 words may be a name, the last word of it not yet typed to its end."""
TIE_BREAKER = 0.1
"""Weight of a term's further fields beside its best one: 0 ignores them, 1 adds all fields up."""
BEGIN_LETTERS, SLIP_LETTERS = 3, 4
"""The shortest words that are completed, and that are matched with one typing error."""
FUZZY_SHARE = {PLAIN: 1.0, STEMMED: 0.5}
"""Score of a fuzzy match in a name field and in a text field, as a fraction of the score of a term that matches one
document.

Misspelled words are names more often than not, and texts contain something close to nearly every word. Surnames with
one typing error, alone, in the hybrid mode: 97 % are among the first three; 92 % with 0.75 for both."""


@dataclass(frozen=True, slots=True)
class KeywordQuery:
    """The text of a search, parsed for one keyword index."""

    query: Query | None
    """None if the text contains no word."""
    total_idf: float
    """The sum of the terms' inverse document frequencies, in the unit of BM25: the score of a document that contains
    every term once, in a field of average length. Above 0.

    At least the value of one term that no document has, so that a query of common words alone does not seem to be
    fully matched by every document.
    """


@dataclass(frozen=True, slots=True)
class QueryWord:
    """A word of a query that counts."""

    plain: str
    stem: str
    is_indexed: bool
    """Some document contains it. If not, similar terms are matched instead."""


class QueryParser:
    """Builds queries from the document frequencies of one index. Any number of threads may use it."""

    def __init__(self, schema: tantivy.Schema, searcher: tantivy.Searcher) -> None:
        self._schema = schema
        self._searcher = searcher

    def parse(self, text: str) -> KeywordQuery:
        """Any text can be parsed. Documents match if they contain one of the words; see `KeywordQuery`."""
        terms = analyse_query(text)
        words = [self._word(term) for term in scoring_terms(terms)]
        clauses = [clause for clause, _ in words if clause is not None]
        clauses += self._whole_text(text, terms)
        query = Query.boolean_query([(Occur.Should, clause) for clause in clauses]) if clauses else None
        return KeywordQuery(query, max(sum(idf for _, idf in words), self._idf(0)))

    def words(self, text: str) -> list[QueryWord]:
        """The words of a query that count (see `text_analysis.scoring_terms`), in the order typed."""
        return [
            QueryWord(*term, is_indexed=any(self._searcher.doc_freq(*place) for place in _term_per_field(term)))
            for term in scoring_terms(analyse_query(text))
        ]

    def filtered(self, query: Query, conditions: KeywordConditions) -> Query:
        """`query`, restricted to the documents that meet the conditions. The scores stay as they are."""
        clauses = [(Occur.Must, query)]
        clauses += [(Occur.Must, Query.const_score_query(each, 0.0)) for each in self._required(conditions)]
        return Query.boolean_query(clauses)

    def _required(self, conditions: KeywordConditions) -> Iterator[Query]:
        for labels in conditions.labels:
            anyone = [(Occur.Should, Query.term_query(self._schema, LABEL, each, "basic")) for each in labels]
            yield Query.boolean_query(anyone) if anyone else Query.empty_query()
        if conditions.rate is not None:
            yield Query.range_query(self._schema, RATE, FieldType.Float, *conditions.rate)

    def _word(self, term: Term) -> tuple[Query | None, float]:
        """One word over all fields, scored by its best field, and its IDF; similar terms if no document has it."""
        counts = {(field, text): self._searcher.doc_freq(field, text) for field, text in _term_per_field(term)}
        exact = [Query.term_query(self._schema, *place, "freq") for place, count in counts.items() if count]
        idf = self._idf(max(counts.values()))
        clauses = exact or list(self._similar(term, idf))
        return (Query.disjunction_max_query(clauses, TIE_BREAKER) if clauses else None), idf

    def _idf(self, count: int) -> float:
        """Inverse document frequency of a term that `count` of the documents contain.

        ln(1 + (N - n + 1/2) / (n + 1/2)) for n of N documents: the formula of tantivy (query/bm25.rs) and Lucene,
        after Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009).
        """
        return math.log1p((self._searcher.num_docs - count + 0.5) / (count + 0.5))

    def _similar(self, term: Term, idf: float) -> Iterator[Query]:
        """Substitutes for a word that no document contains: terms that begin with it, or that are one edit away."""
        for field, text in _term_per_field(term):
            similar = []
            if len(term.plain) >= BEGIN_LETTERS:
                similar.append(Query.fuzzy_term_query(self._schema, field, term.plain, distance=0, prefix=True))
            if len(text) >= SLIP_LETTERS:
                similar.append(Query.fuzzy_term_query(self._schema, field, text, distance=1))
            for each in similar:
                yield Query.const_score_query(each, FUZZY_SHARE[FIELDS[field]] * idf)

    def _whole_text(self, text: str, terms: Sequence[Term]) -> Iterator[Query]:
        """The whole query as somebody's username, as somebody's surname, or as the beginning of somebody's name."""
        words = [term.plain for term in terms]
        handle = whole_text_term(text)
        if handle and self._searcher.doc_freq(HANDLE, handle):
            exact = Query.term_query(self._schema, HANDLE, handle, "basic")
            yield Query.const_score_query(exact, HANDLE_SCORE)
        if len(words) == 1 and self._is_a_name(terms[0]):
            yield Query.const_score_query(Query.term_query(self._schema, "name", words[0], "basic"), self._idf(0))
        if 2 <= len(words) <= NAME_WORDS:
            named = [(Occur.Must, self._in_name(word, is_last=word == words[-1])) for word in words]
            yield Query.const_score_query(Query.boolean_query(named), self._idf(0))

    def _is_a_name(self, term: Term) -> bool:
        """Whether at least as many experts have it in their name as in any one other field.

        True for Anderson, but not for a Jenkins (mostly the software) or a baker (mostly the trade).
        """
        counts = {field: self._searcher.doc_freq(field, text) for field, text in _term_per_field(term)}
        named = counts.pop("name")
        del counts["username"]
        return named > 0 and named >= max(counts.values())

    def _in_name(self, word: str, *, is_last: bool) -> Query:
        """The word in a name, with at most one typing error; the last one perhaps not yet typed to its end."""
        forms = [Query.term_query(self._schema, "name", word, "freq")]
        if len(word) >= SLIP_LETTERS:
            forms.append(Query.fuzzy_term_query(self._schema, "name", word, distance=1))
        if is_last:
            forms.append(Query.fuzzy_term_query(self._schema, "name", word, distance=0, prefix=True))
        return Query.boolean_query([(Occur.Should, form) for form in forms])


def _term_per_field(term: Term) -> Iterator[tuple[str, str]]:
    """Each field, and the term as that field's analyser stores it."""
    for field, analyser_name in FIELDS.items():
        yield field, term.stem if analyser_name == STEMMED else term.plain
