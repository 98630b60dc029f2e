"""The keyword index: the only room that knows tantivy.

What people type is words, never syntax: queries are built from tokens, so no character has a meaning. Two
analysers, both lowercase with accents folded: one keeps words as they are (names, usernames), one stems.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import tantivy
from numpy.typing import NDArray
from tantivy import Filter, Occur, Query, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

PLAIN, STEMMED, RAW = "tcs_plain", "tcs_stemmed", "tcs_raw"
FIELDS = {
    # field: (analyser, weight)
    "name": (PLAIN, 1.5),
    "username": (PLAIN, 1.0),
    "job_title": (STEMMED, 1.5),
    "tags": (STEMMED, 1.5),
    "company": (STEMMED, 1.5),
    "bio": (STEMMED, 1.0),
}
"""Measured on 10,501 people: a name weighing 3 finds no more people by name (392 of 400 against 391), but costs
sentences with words that are somebody's name (500 of them: nDCG@10 .196 against .224)."""
HANDLE = "handle"
"""The whole username as one word: who types a username means that person."""
HANDLE_SCORE = 1_000.0
KEY = "key"

MAX_TERMS = 64
"""Distinct words of a query that count; the rest of a pasted page adds time, not meaning."""
MAX_WORD_BYTES = 80
TIE_BREAKER = 0.1
"""What a word counts in further fields beside the best: 0 forgets them, 1 rewards saying it everywhere."""
UNKNOWN_WEIGHT = 0.5
HEAP_BYTES = 64_000_000
ADVANCE_EVERY = 500

# Scripts written without spaces: every run of them becomes its characters and their pairs.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]+"
)
# Accents of Latin, Greek and Cyrillic, vowel points of Hebrew and Arabic, the Arabic stretching stroke.
_ACCENTS = re.compile(r"[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]")
# C++, C# and their like are words of their own: without their signs they would all be "c".
_WORD = r"[cC]\+\+|[cCfFjJ]#|[\p{L}\p{N}\p{M}]+"

_STOP_WORDS = """
    a about an and any are as at be been but by can could do does for from had has have he her him his how i if
    in into is its like me my of on one or our she should so some somebody someone than that the their them then
    there these they this those to was we were what when where which while who whom whose why will with would
    you your
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""Left out of queries that have other words; they stay in the index. “It” and “us” are not among them: IT, US."""


@dataclass(frozen=True, slots=True)
class KeywordDocument:
    """What can be found of one expert by words."""

    key: int
    name: str
    username: str
    job_title: str
    company: str
    bio: str
    tags: Sequence[str]


class KeywordIndex:
    """An immutable index; any number of threads may search. Its folder may be removed while it is open."""

    def __init__(self, index: tantivy.Index) -> None:
        self._schema = index.schema
        self._searcher = index.searcher()

    @classmethod
    def open(cls, folder: Path) -> KeywordIndex:
        """Raises ValueError or OSError when it cannot be read. Opening writes a lock file into the folder."""
        index = tantivy.Index.open(str(folder))
        _register(index)
        index.config_reader("manual")  # no thread that watches for commits: there are none
        return cls(index)

    @property
    def count(self) -> int:
        return self._searcher.num_docs

    def search(self, query: str, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Keys int64[m] and BM25 scores float32[m], m <= k, best first, ties by key; any text is answered."""
        parsed = self._parse(query)
        if parsed is None or k < 1 or not self.count:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        hits = self._searcher.search(parsed, limit=min(k, self.count), count=False).hits
        keys = self._searcher.fast_field_values(KEY, [address for _, address in hits])
        ranked = sorted((-score, int(key)) for (score, _), key in zip(hits, keys, strict=True) if key is not None)
        return (
            np.array([key for _, key in ranked], np.int64),
            np.array([-score for score, _ in ranked], np.float32),
        )

    def _parse(self, query: str) -> Query | None:
        clauses = [self._word(plain, stem) for plain, stem in _terms(query)]
        handle = _raw(query)
        if handle and self._searcher.doc_freq(HANDLE, handle):
            exact = Query.term_query(self._schema, HANDLE, handle, "basic")
            clauses.append(Query.const_score_query(exact, HANDLE_SCORE))
        return Query.boolean_query([(Occur.Should, clause) for clause in clauses]) if clauses else None

    def _word(self, plain: str, stem: str) -> Query:
        """One word over all fields, scored by its best field; nearly known words where it is unknown."""
        known = [
            Query.boost_query(Query.term_query(self._schema, field, term, "freq"), weight)
            for field, term, weight in _per_field(plain, stem)
            if self._searcher.doc_freq(field, term)
        ]
        near = [] if known else list(self._near(plain, stem))
        return Query.disjunction_max_query(known or near, TIE_BREAKER)

    def _near(self, plain: str, stem: str) -> Iterator[Query]:
        """For a word that nobody has: words that begin with it (still typing), or one slip away from it."""
        for field, term, weight in _per_field(plain, stem):
            start = plain if len(plain) > 2 else None
            if start:
                begins = Query.fuzzy_term_query(self._schema, field, start, distance=0, prefix=True)
                yield Query.boost_query(begins, weight * UNKNOWN_WEIGHT)
            if len(term) > 3:
                slip = Query.fuzzy_term_query(self._schema, field, term, distance=1)
                yield Query.boost_query(slip, weight * UNKNOWN_WEIGHT)


def build_index(
    documents: Iterable[KeywordDocument], folder: Path, *, advance: Callable[[int], None] | None = None
) -> None:
    """Write a keyword index into the new folder; `advance(documents)` may raise, which ends the writing."""
    folder.mkdir()
    index = tantivy.Index(_schema(), path=str(folder))
    _register(index)
    writer = index.writer(HEAP_BYTES, 1)  # one thread: the same input always gives the same order
    pending = 0
    try:
        for document in documents:
            writer.add_document(_document(document))
            pending += 1
            if pending == ADVANCE_EVERY and advance is not None:
                advance(pending)
                pending = 0
        writer.commit()
    finally:
        writer.wait_merging_threads()
    for lock in folder.glob("*.lock"):
        lock.unlink()
    if pending and advance is not None:
        advance(pending)


def prepare(text: str) -> str:
    """Text as the analysers need it, the same for documents and queries.

    Compatible forms become one (full width, ligatures), accents go, and scripts without spaces are cut into
    characters and pairs of characters, since no rule without a dictionary finds their words.
    """
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKD", text.encode("utf-8", "replace").decode())
    text = unicodedata.normalize("NFKC", _ACCENTS.sub("", text))
    return _UNSPACED.sub(_cut, text)


def _cut(run: re.Match[str]) -> str:
    characters = run.group()
    pairs = (characters[start : start + 2] for start in range(len(characters) - 1))
    return f" {' '.join(characters)} {' '.join(pairs)} "


def _raw(text: str) -> str:
    return text.encode("utf-8", "replace").decode().strip().lower()


def _terms(query: str) -> list[tuple[str, str]]:
    """The distinct words of a query as (plain, stem), at most MAX_TERMS, in the order typed."""
    prepared = prepare(query)
    plain = _analyser(PLAIN).analyze(prepared)
    stems = _analyser(STEMMED).analyze(prepared)
    terms = list(dict.fromkeys(zip(plain, stems, strict=True)))
    telling = [term for term in terms if term[0] not in STOP_WORDS]
    return (telling or terms)[:MAX_TERMS]


def _per_field(plain: str, stem: str) -> Iterator[tuple[str, str, float]]:
    for field, (analyser, weight) in FIELDS.items():
        yield field, stem if analyser == STEMMED else plain, weight


def _document(expert: KeywordDocument) -> tantivy.Document:
    document = tantivy.Document()
    document.add_integer(KEY, expert.key)
    document.add_text(HANDLE, _raw(expert.username))
    for field in FIELDS:
        text = " \n ".join(expert.tags) if field == "tags" else getattr(expert, field)
        document.add_text(field, prepare(text))
    return document


@cache
def _analyser(name: str) -> TextAnalyzer:
    if name == RAW:
        return TextAnalyzerBuilder(Tokenizer.raw()).build()
    words = TextAnalyzerBuilder(Tokenizer.regex(_WORD)).filter(Filter.remove_long(MAX_WORD_BYTES))
    words = words.filter(Filter.lowercase()).filter(Filter.ascii_fold())
    return (words.filter(Filter.stemmer("english")) if name == STEMMED else words).build()


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field(KEY, indexed=True, fast=True)
    builder.add_text_field(HANDLE, tokenizer_name=RAW, index_option="basic")
    for field, (analyser, _) in FIELDS.items():
        builder.add_text_field(field, tokenizer_name=analyser, index_option="freq")
    return builder.build()


def _register(index: tantivy.Index) -> None:
    for name in (PLAIN, STEMMED, RAW):
        index.register_tokenizer(name, _analyser(name))
