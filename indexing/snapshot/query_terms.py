"""The words of a query that count, in every form in which an index may hold them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from indexing.snapshot import query_syntax
from indexing.snapshot.languages import Languages
from indexing.snapshot.synonyms import NONE, Synonyms
from indexing.snapshot.text_analysis import words_of

MAX_TERMS = 64
"""Distinct words of a query that count; the rest of a pasted page adds time, not meaning."""


class Term(NamedTuple):
    """One word as an index stores it."""

    plain: str
    forms: tuple[str, ...]
    """In texts: its stem in each language, then the stems of its synonyms."""
    same: tuple[str, ...] = ()
    """Its synonyms, as they are in names."""


@dataclass(frozen=True, slots=True)
class QueryTerms:
    """A query, analysed."""

    words: tuple[str, ...]
    """Its distinct words in the order typed, function words too."""
    scoring: tuple[Term, ...]
    """At most MAX_TERMS words that are not function words; of a query of function words alone, all."""
    forms: frozenset[str]
    """Every word, and every form of it."""
    only_keywords: bool
    """Whether no word of it is a function word; not so for a query without any word."""


@dataclass(frozen=True, slots=True)
class QueryAnalysis:
    """How the queries to one index are analysed."""

    languages: Languages = Languages()
    synonyms: Synonyms = NONE
    as_before: bool = False
    """Whether the index is older than format 5."""

    def terms(self, query: str) -> QueryTerms:
        """Analyse any text. Every character that is not part of a word is dropped, and so are excluded words."""
        text = query_syntax.read(query).text
        words = tuple(dict.fromkeys(words_of(text, as_before=self.as_before)))
        function_words = self.languages.function_words(words)
        counting = [word for word in words if word not in function_words]
        scoring = [self._term(word, function_word=not counting) for word in (counting or words)[:MAX_TERMS]]
        forms = {form for word in words for form in self.languages.forms(word, function_words=True)}
        forms.update(words, *(term.forms for term in scoring))
        return QueryTerms(words, tuple(scoring), frozenset(forms), bool(words) and not function_words)

    def _term(self, word: str, *, function_word: bool) -> Term:
        same = tuple(self.synonyms.words_for(word))
        forms = self.languages.forms(word, function_words=function_word)
        more = (form for other in same for form in self.languages.forms(other))
        return Term(word, tuple(dict.fromkeys((*forms, *more))), same)


@dataclass(frozen=True, slots=True)
class QueryWord:
    """A word of a query that counts."""

    plain: str
    forms: tuple[str, ...]
    """In texts: see `Term`."""
    is_indexed: bool
    """Some document contains it."""
    near: bool = False
    """Whether similar words count for much: where no document contains it, and where it is the whole query."""
    once: float = 0.0
    """About what it adds to the score of a document that has it once, in a field of average length."""
    weight: float = 1.0
    """By how much its BM25 is multiplied, from 0 to 1: 1 for a word that no document contains, near 0 for one that
    most contain."""
