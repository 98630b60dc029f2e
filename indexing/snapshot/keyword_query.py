"""From what somebody typed to a tantivy query over the keyword index, made of analysed words: every text is answered.

`query_syntax` reads quotes and minus signs; no other character has a meaning.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Literal

import tantivy
from tantivy import Occur, Query

from indexing.snapshot.keyword_schema import (
    DOCUMENTS,
    FIELDS,
    HANDLE,
    JOINED,
    KEY,
    NAMES,
    USERNAME,
    WORDS,
    filter_queries,
    has_field,
)
from indexing.snapshot.near_words import NearWords
from indexing.snapshot.prefilter import KeywordConditions
from indexing.snapshot.query_terms import QueryAnalysis, QueryTerms, QueryWord, Term
from indexing.snapshot.ranking_constants import RARITY
from indexing.snapshot.text_analysis import STEMMED, joined_words, phrases_of, whole_text_term
from indexing.snapshot.word_statistics import WordStatistics

NAME_WORDS = 4
"""Queries of 2 to 4 words may be a name, the last word of it not yet typed to its end."""
NEAR_WORDS = 3
"""In queries of up to 3 words that count, near matches are added to exact ones; in longer ones they only replace a
word that nobody has."""
KNOWN_WORDS = 4_096
"""Words whose part of a query is remembered: about 8 MB."""
KNOWN_QUERIES = 64
"""Queries whose words are remembered: one request needs them two or three times."""
TIE_BREAKER = 0.1
"""Weight of a term's further fields beside its best one: 0 ignores them, 1 adds all fields up."""
TEXT_FIELDS = ("job_title", "company", "bio")
"""Fields in which words that are added to a query are looked up."""
DOCUMENT_SHARE = 0.5
"""Score of a word in a document as a fraction of what it tells."""
JOINED_SHARE = 0.9
"""Score of words that are written as one, or in parts, as a fraction of what they tell."""
USERNAME_SHARE = 0.1
"""Score of a word in a username, or of a whole username that is also a word of profiles: below any real match."""


@dataclass(frozen=True, slots=True)
class KeywordPart:
    """One addend of a score: a word, the whole text as a name or username, or a stem that the first experts share."""

    kind: Literal["word", "username", "name", "added"]
    text: str
    """The word as it was analysed, the whole text, or the stem."""
    query: Query


@dataclass(frozen=True, slots=True)
class KeywordQuery:
    """The text of a search, parsed for one keyword index."""

    parts: tuple[KeywordPart, ...]
    """The score of a document is the sum of its scores for these; none if the text contains no word."""
    own_information: float
    """What the words say, in the unit of the scores: about the score of an average text with each of them once."""
    highest_idf: float
    """Of a term that no document has."""
    known_information: float
    """`own_information` of the words that some document contains as they were typed; 0 if there are none."""
    terms: frozenset[str]
    """Every word of the query, in each form in which texts may hold it."""
    only_keywords: bool
    """Whether no word of it is a function word, such as “the”: somebody has boiled it down to its keywords."""
    scoring: tuple[Term, ...] = ()  # the words that count, in the order typed

    @property
    def information(self) -> float:
        """`own_information`, at least that of an unknown term: no document fully matches common words alone."""
        return max(self.own_information, self.highest_idf)

    @property
    def query(self) -> Query | None:
        """All parts as one query; None if there are none."""
        clauses = [(Occur.Should, part.query) for part in self.parts]
        return Query.boolean_query(clauses) if clauses else None


class QueryParser:
    """Builds queries from the document frequencies of one index. Any number of threads may use it."""

    def __init__(self, schema: tantivy.Schema, searcher: tantivy.Searcher, analysis: QueryAnalysis) -> None:
        self._schema = schema
        self._has_documents = has_field(schema, DOCUMENTS)
        self._statistics = WordStatistics(searcher)
        self._analysis = analysis
        self._near = NearWords(schema, self._statistics, as_before=analysis.as_before)
        me = weakref.proxy(self)  # nothing that is remembered refers to `self`: no cycle
        self._word = lru_cache(KNOWN_WORDS)(partial(QueryParser._made_word, me))
        self._described = lru_cache(KNOWN_WORDS)(partial(QueryParser._describe, me))
        self._terms = lru_cache(KNOWN_QUERIES)(analysis.terms)

    def parse(self, text: str) -> KeywordQuery:
        """Any text can be parsed. Documents match if they contain one of the words; see `KeywordQuery`."""
        terms = self._terms(text)
        few, alone = len(terms.scoring) <= NEAR_WORDS, len(terms.words) == 1
        words = [self._word(term, few, alone) for term in terms.scoring]
        clauses = [(term.plain, clause) for term, (clause, _, _) in zip(terms.scoring, words, strict=True)]
        parts = [KeywordPart("word", plain, clause) for plain, clause in clauses if clause is not None]
        says = [(self._weight(idf) * idf, count) for _, idf, count in words]
        idfs = {term.plain: idf for term, (_, idf, _) in zip(terms.scoring, words, strict=True)}
        parts += self._other_spellings(text, terms, idfs)
        parts += self._whole_text(text, terms, anybody=any(count for *_, count in words))
        return KeywordQuery(
            tuple(parts),
            own_information=sum(each for each, _ in says),
            highest_idf=self._statistics.idf(0),
            known_information=sum(each for each, count in says if count),
            terms=terms.forms,
            only_keywords=terms.only_keywords,
            scoring=terms.scoring,
        )

    def extended(self, query: KeywordQuery, added: Mapping[str, float]) -> KeywordQuery:
        """`query` and further stems, each with the score of a text that has it once. What the query says stays."""
        parts = [KeywordPart("added", stem, self._added(stem, weight)) for stem, weight in added.items()]
        return replace(query, parts=(*query.parts, *parts))

    def _added(self, stem: str, weight: float) -> Query:
        """A term in a text, scored by its best field: `weight` times BM25 without its factor idf."""
        counts = {field: self._statistics.count(field, stem) for field in TEXT_FIELDS}
        terms = [(Query.term_query(self._schema, field, stem, "freq"), n) for field, n in counts.items() if n]
        forms = [Query.boost_query(term, weight / self._statistics.idf(n)) for term, n in terms]
        return Query.disjunction_max_query(forms, TIE_BREAKER)

    def words(self, text: str) -> list[QueryWord]:
        """The words of a query that count, in the order typed."""
        terms = self._terms(text)
        alone = len(terms.words) == 1
        return [self._described(term, alone) for term in terms.scoring]

    def _describe(self, term: Term, alone: bool) -> QueryWord:
        count = self._statistics.most(self._places(term))
        weight = self._weight(idf := self._statistics.idf(count))
        near = not count or alone
        return QueryWord(term.plain, term.forms, count > 0, near, once=weight * idf, weight=weight)

    def filtered(self, query: Query, conditions: KeywordConditions) -> Query:
        """`query`, restricted to the documents that meet the conditions. The scores stay as they are."""
        clauses = [(Occur.Must, query)]
        clauses += [(Occur.Must, Query.const_score_query(each, 0.0)) for each in self._required(conditions)]
        clauses += [(Occur.MustNot, self.having(each)) for each in conditions.excluded]
        return Query.boolean_query(clauses)

    def on_one(self, query: Query, key: int) -> Query:
        """`query`, restricted to the document with that key. The score stays as it is."""
        only = Query.const_score_query(Query.term_query(self._schema, KEY, key, "basic"), 0.0)
        return Query.boolean_query([(Occur.Must, query), (Occur.Must, only)])

    def having(self, phrase: str) -> Query:
        """The documents that have these words one after another, in any of their texts or in the name."""
        if self._analysis.as_before:
            terms = self._analysis.terms(phrase).scoring
            return self._all([self._anywhere(term) for term in terms])
        parts = [
            Query.phrase_query(self._schema, WORDS, list(words))
            if len(words) > 1
            else Query.term_query(self._schema, WORDS, words[0], "basic")
            for words in phrases_of(phrase)
        ]
        return self._all(parts)

    def with_username(self, username: str) -> Query:
        """The documents with this whole username, whatever its case."""
        return Query.term_query(self._schema, HANDLE, whole_text_term(username), "basic")

    def _all(self, queries: list[Query]) -> Query:
        return Query.boolean_query([(Occur.Must, each) for each in queries]) if queries else Query.empty_query()

    def _anywhere(self, term: Term) -> Query:
        places = [(field, form) for field, forms in self._places(term) for form in forms]
        return Query.boolean_query([(Occur.Should, Query.term_query(self._schema, *each)) for each in places])

    def _required(self, conditions: KeywordConditions) -> Iterator[Query]:
        yield from filter_queries(self._schema, conditions)
        yield from map(self.having, conditions.phrases)

    def _made_word(self, term: Term, few: bool, alone: bool) -> tuple[Query | None, float, int]:
        """One word over all fields, scored by its best field: BM25 times its weight, see `ranking_constants.RARITY`;
        its IDF; and in how many documents it is. `few`: the query has at most NEAR_WORDS; `alone`: only this one."""
        counts = {field: self._statistics.counts(field, forms) for field, forms in self._places(term)}
        most = max(sum(each.values()) for each in counts.values())
        idf = self._statistics.idf(most)
        clauses = [clause for field, each in counts.items() for clause in self._exact(field, each)]
        if not most or few:
            clauses += self._spelled_otherwise(term, idf)
            clauses += self._near.clauses(term.plain, idf, known=most > 0, alone=alone, joined_names=few)
        best = Query.disjunction_max_query(clauses, TIE_BREAKER)
        return Query.boost_query(best, self._weight(idf)) if clauses else None, idf, most

    def _exact(self, field: str, counts: dict[str, int]) -> Iterator[Query]:
        """The forms of a word in a field, all with the BM25 of a word that as many documents have as have any form.

        A stem of another language that few have would otherwise look like a rare word.
        """
        together = self._statistics.idf(sum(counts.values()))
        for form, count in counts.items():
            query = Query.term_query(self._schema, field, form, "freq")
            own = self._statistics.idf(count)
            if field == DOCUMENTS:
                query = Query.const_score_query(query, DOCUMENT_SHARE * own)
            yield query if own == together else Query.boost_query(query, together / own)

    def _spelled_otherwise(self, term: Term, idf: float) -> Iterator[Query]:
        """Documents that write the word in parts or as a part, and usernames with it."""
        if not self._analysis.as_before:
            for word in (term.plain, *term.same):
                if self._statistics.count(JOINED, word):
                    joined = Query.term_query(self._schema, JOINED, word, "basic")
                    yield Query.const_score_query(joined, JOINED_SHARE * idf)
                if self._statistics.count(NAMES, word) > self._statistics.count("name", word):
                    joined = Query.term_query(self._schema, NAMES, word, "basic")
                    yield Query.const_score_query(joined, JOINED_SHARE * idf)
        if self._statistics.count(USERNAME, term.plain):
            username = Query.term_query(self._schema, USERNAME, term.plain, "basic")
            yield Query.const_score_query(username, USERNAME_SHARE * idf)

    def _weight(self, idf: float) -> float:
        """The factor of a word's BM25, 0 to 1; `idf` is that of the field in which most documents contain it."""
        return float((idf / self._statistics.idf(0)) ** RARITY)

    def _other_spellings(self, text: str, terms: QueryTerms, idfs: dict[str, float]) -> Iterator[KeywordPart]:
        """Several words of the query that documents write as one, and synonyms of several words.

        Each scores as much as its words together.
        """
        runs: list[tuple[tuple[str, ...], Query]] = []
        if len(terms.words) <= NAME_WORDS and not self._analysis.as_before:
            for pair in zip(terms.words, terms.words[1:], strict=False):
                runs += [(pair, clause) for clause in self._as_one_word("".join(pair))]
            for joined in joined_words(text):
                if len(terms.words) > 2:
                    parts = tuple(word for word in terms.words if word in joined)
                    runs += [(parts, clause) for clause in self._as_one_word(joined)]
        for left, right in self._analysis.synonyms.phrases_for(terms.words):
            runs.append((left, self.having(" ".join(right))))
        for words, clause in runs:
            score = JOINED_SHARE * sum(self._weight(idf) * idf for idf in (idfs.get(word, 0.0) for word in words))
            if score:
                yield KeywordPart("word", " ".join(words), Query.const_score_query(clause, score))

    def _as_one_word(self, joined: str) -> list[Query]:
        """Documents in which the parts are one word; not those that have it in parts, which match the parts."""
        term = Term(joined, self._analysis.languages.forms(joined))
        places = [(field, form) for field, forms in self._places(term) for form in forms]
        found = [place for place in places if self._statistics.count(*place)]
        anyone = [(Occur.Should, Query.term_query(self._schema, *place, "freq")) for place in found]
        return [Query.boolean_query(anyone)] if anyone else []

    def _whole_text(self, text: str, terms: QueryTerms, *, anybody: bool) -> Iterator[KeywordPart]:
        """The whole query as somebody's username, as somebody's surname, or as the beginning of somebody's name.

        `anybody`: a word of the query is in some profile; then a username is a weak sign only.
        """
        words, most = terms.words, self._statistics.idf(0)
        handle = whole_text_term(text)
        if handle and self._statistics.count(HANDLE, handle):
            score = USERNAME_SHARE * most if anybody else most
            yield KeywordPart("username", handle, Query.const_score_query(self.with_username(text), score))
        if len(words) == 1 and self._is_a_name(terms.scoring[0]):
            yield KeywordPart("name", words[0], self._near.surname(words[0], most))
        if 2 <= len(words) <= NAME_WORDS:
            each_named = [(Occur.Must, self._near.in_name(word, is_last=word == words[-1])) for word in words]
            named = Query.boolean_query(each_named)
            yield KeywordPart("name", " ".join(words), Query.const_score_query(named, most))

    def _is_a_name(self, term: Term) -> bool:
        """Whether at least as many experts have it in their name as in any one other field.

        True for Anderson, but not for a Jenkins (mostly the software) or a baker (mostly the trade).
        """
        field = "name" if self._analysis.as_before else NAMES
        named = self._statistics.count(field, term.plain)
        others = [(field, forms) for field, forms in self._places(term) if field != "name"]
        return named > 0 and named >= self._statistics.most(others)

    def _places(self, term: Term) -> list[tuple[str, tuple[str, ...]]]:
        """Each field that scores, and the term in the forms in which the field may hold it."""
        names = (term.plain, *term.same)
        places = [(field, term.forms if kind == STEMMED else names) for field, kind in FIELDS.items()]
        return [*places, (DOCUMENTS, term.forms)] if self._has_documents else places
