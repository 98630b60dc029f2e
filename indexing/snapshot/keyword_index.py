"""The keyword index: the only room that knows tantivy.

What people type is words, never syntax: queries are built from tokens, so no character has a meaning. Two
analysers, both lowercase with accents folded: one keeps words as they are (names, usernames), one stems.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import tantivy
from numpy.typing import NDArray
from tantivy import FieldType, Filter, Occur, Query, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

from indexing.snapshot.selection import Conditions

PLAIN, STEMMED, RAW, FOLDED = "tcs_plain", "tcs_stemmed", "tcs_raw", "tcs_folded"
FIELDS = {
    # field: analyser
    "name": PLAIN,
    "username": PLAIN,
    "job_title": STEMMED,
    "tags": STEMMED,
    "company": STEMMED,
    "bio": STEMMED,
}
"""No field is favoured: BM25 itself counts a word more in a short field. Weights of 1.5 for names, titles, tags and
companies cost 0.010 nDCG@10 by words alone on 500 sentences over 10,501 people, and change nothing in the hybrid
mode."""
HANDLE = "handle"
"""The whole username as one word: who types a username means that person."""
HANDLE_SCORE = 1_000.0
NAME_WORDS = 4
"""Queries of 2 to 4 words may be a name, the last word of it not yet typed to its end."""
KEY = "key"
LABEL, RATE = "label", "rate"
"""What is filtered by, not searched: terms as they are, and a number."""

MAX_TERMS = 64
"""Distinct words of a query that count; the rest of a pasted page adds time, not meaning."""
MAX_WORD_BYTES = 80
TIE_BREAKER = 0.1
"""What a word counts in further fields beside the best: 0 forgets them, 1 rewards saying it everywhere."""
BEGIN_LETTERS, SLIP_LETTERS = 3, 4
"""The shortest words that are completed, and that may have a slip in them."""
NEARLY = {PLAIN: 1.0, STEMMED: 0.5}
"""What a nearly known word tells in a name or in a text, as a share of what a word that nobody else has would tell.

Words with a slip in them are names more often than not, and texts have something near to nearly every word. Surnames
with one slip, alone, in the hybrid mode: 97 % are among the first three; 92 % with 0.75 in either."""
HEAP_BYTES = 64_000_000
ADVANCE_EVERY = 500

# Scripts written without spaces: every run of them becomes its characters and their pairs.
UNSPACED = (
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
_UNSPACED = re.compile(f"{UNSPACED}+")
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
    labels: Sequence[str] = ()
    """what it can be filtered by: see `indexing.snapshot.selection`"""
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class KeywordQuery:
    """What somebody typed, as one index understands it."""

    query: Query | None
    """None where there is no word in it"""
    information: float
    """What its words tell together, in the unit of BM25: the sum of their inverse document frequencies.

    At least that of one word that nobody has, so that common words alone never seem to tell everything. Above 0.
    """


@dataclass(frozen=True, slots=True)
class QueryWord:
    plain: str
    stem: str
    known: bool
    """to some profile; of one that is not, nearly equal words are taken"""


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

    def search(
        self, query: str | KeywordQuery, k: int, conditions: Conditions | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Keys int64[m] and BM25 scores float32[m], m <= k, best first, ties by key; any text is answered.

        Conditions are terms of the index and no list of keys: a set of 1,000 keys takes 30 ms among 100,000
        documents, the term of a label that 1,000 of them have 1 ms. They leave the scores as they are.
        """
        asked = self.parse(query) if isinstance(query, str) else query
        if asked.query is None or conditions is None:
            return self._found(asked.query, k)
        clauses = [(Occur.Must, asked.query)]
        clauses += [(Occur.Must, Query.const_score_query(each, 0.0)) for each in self._required(conditions)]
        return self._found(Query.boolean_query(clauses), k)

    def parse(self, text: str) -> KeywordQuery:
        """Words only: no character has a meaning."""
        terms = _terms(text)
        words = [self._word(plain, stem) for plain, stem in _telling(terms)]
        clauses = [clause for clause, _ in words if clause is not None]
        clauses += self._whole(text, terms)
        query = Query.boolean_query([(Occur.Should, clause) for clause in clauses]) if clauses else None
        return KeywordQuery(query, max(sum(telling for _, telling in words), self._information(0)))

    def _required(self, conditions: Conditions) -> Iterator[Query]:
        for labels in conditions.labels:
            anyone = [(Occur.Should, Query.term_query(self._schema, LABEL, each, "basic")) for each in labels]
            yield Query.boolean_query(anyone) if anyone else Query.empty_query()
        if conditions.rate is not None:
            yield Query.range_query(self._schema, RATE, FieldType.Float, *conditions.rate)

    def words(self, text: str) -> list[QueryWord]:
        """The words of a query that count, in the order typed."""
        return [
            QueryWord(*term, known=any(self._searcher.doc_freq(*place) for place in _per_field(*term)))
            for term in _telling(_terms(text))
        ]

    def _found(self, query: Query | None, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        if query is None or k < 1 or not self.count:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        hits = self._searcher.search(query, limit=min(k, self.count), count=False).hits
        keys = np.array(self._searcher.fast_field_values(KEY, [address for _, address in hits]), np.int64)
        scores = np.array([score for score, _ in hits], np.float64)
        order = np.lexsort((keys, -scores))
        return keys[order], scores[order].astype(np.float32)

    def _word(self, plain: str, stem: str) -> tuple[Query | None, float]:
        """One word over all fields, scored by its best field, and what it tells; nearly known ones if unknown."""
        counts = {(field, term): self._searcher.doc_freq(field, term) for field, term in _per_field(plain, stem)}
        known = [Query.term_query(self._schema, *place, "freq") for place, count in counts.items() if count]
        telling = self._information(max(counts.values()))
        clauses = known or list(self._near(plain, stem, telling))
        return (Query.disjunction_max_query(clauses, TIE_BREAKER) if clauses else None), telling

    def _information(self, count: int) -> float:
        """Inverse document frequency of a word that `count` documents have, as BM25 reckons it."""
        return math.log1p((self.count - count + 0.5) / (count + 0.5))

    def _near(self, plain: str, stem: str, telling: float) -> Iterator[Query]:
        """For a word that nobody has: words that begin with it (still typing), or one slip away from it."""
        for field, term in _per_field(plain, stem):
            near = []
            if len(plain) >= BEGIN_LETTERS:
                near.append(Query.fuzzy_term_query(self._schema, field, plain, distance=0, prefix=True))
            if len(term) >= SLIP_LETTERS:
                near.append(Query.fuzzy_term_query(self._schema, field, term, distance=1))
            for each in near:
                yield Query.const_score_query(each, NEARLY[FIELDS[field]] * telling)

    def _whole(self, text: str, terms: Sequence[tuple[str, str]]) -> Iterator[Query]:
        """The whole query as somebody's username, as somebody's surname, or as the beginning of somebody's name."""
        words = [plain for plain, _ in terms]
        handle = _raw(text)
        if handle and self._searcher.doc_freq(HANDLE, handle):
            exact = Query.term_query(self._schema, HANDLE, handle, "basic")
            yield Query.const_score_query(exact, HANDLE_SCORE)
        if len(words) == 1 and self._is_a_name(*terms[0]):
            yield Query.const_score_query(
                Query.term_query(self._schema, "name", words[0], "basic"), self._information(0)
            )
        if 2 <= len(words) <= NAME_WORDS:
            named = [(Occur.Must, self._in_name(word, last=word == words[-1])) for word in words]
            yield Query.const_score_query(Query.boolean_query(named), self._information(0))

    def _is_a_name(self, plain: str, stem: str) -> bool:
        """Whether more people are called so than write of it: Anderson, but neither Jenkins nor a baker."""
        counts = {field: self._searcher.doc_freq(field, term) for field, term in _per_field(plain, stem)}
        called = counts.pop("name")
        del counts["username"]
        return called > 0 and called >= max(counts.values())

    def _in_name(self, word: str, *, last: bool) -> Query:
        """The word in a name, with a slip or not; the last one perhaps not yet typed to its end."""
        forms = [Query.term_query(self._schema, "name", word, "freq")]
        if len(word) >= SLIP_LETTERS:
            forms.append(Query.fuzzy_term_query(self._schema, "name", word, distance=1))
        if last:
            forms.append(Query.fuzzy_term_query(self._schema, "name", word, distance=0, prefix=True))
        return Query.boolean_query([(Occur.Should, form) for form in forms])


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


@lru_cache(maxsize=16_384)
def analysed(word: str) -> tuple[str, str]:
    """One word as the index has it: plain and stemmed."""
    prepared = prepare(word)
    return "".join(_analyser(PLAIN).analyze(prepared)), "".join(_analyser(STEMMED).analyze(prepared))


def folded(text: str) -> str:
    """The text in small letters without accents, as the words of the index are; spaces and scripts stay."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKD", text.encode("utf-8", "replace").decode())
    text = unicodedata.normalize("NFKC", _ACCENTS.sub("", text))
    return "".join(_analyser(FOLDED).analyze(text))


def _cut(run: re.Match[str]) -> str:
    characters = run.group()
    pairs = (characters[start : start + 2] for start in range(len(characters) - 1))
    return f" {' '.join(characters)} {' '.join(pairs)} "


def _raw(text: str) -> str:
    return text.encode("utf-8", "replace").decode().strip().lower()


def _terms(query: str) -> list[tuple[str, str]]:
    """The distinct words of a query as (plain, stem), in the order typed."""
    prepared = prepare(query)
    plain = _analyser(PLAIN).analyze(prepared)
    stems = _analyser(STEMMED).analyze(prepared)
    return list(dict.fromkeys(zip(plain, stems, strict=True)))


def _telling(terms: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """At most MAX_TERMS of them, without stop words unless there is nothing else."""
    return ([term for term in terms if term[0] not in STOP_WORDS] or terms)[:MAX_TERMS]


def _per_field(plain: str, stem: str) -> Iterator[tuple[str, str]]:
    for field, analyser in FIELDS.items():
        yield field, stem if analyser == STEMMED else plain


def _document(expert: KeywordDocument) -> tantivy.Document:
    document = tantivy.Document()
    document.add_integer(KEY, expert.key)
    document.add_text(HANDLE, _raw(expert.username))
    for label in expert.labels:
        document.add_text(LABEL, label)
    if expert.rate is not None:
        document.add_float(RATE, expert.rate)
    for field in FIELDS:
        text = " \n ".join(expert.tags) if field == "tags" else getattr(expert, field)
        document.add_text(field, prepare(text))
    return document


@cache
def _analyser(name: str) -> TextAnalyzer:
    if name == RAW:
        return TextAnalyzerBuilder(Tokenizer.raw()).build()
    if name == FOLDED:
        return TextAnalyzerBuilder(Tokenizer.raw()).filter(Filter.lowercase()).filter(Filter.ascii_fold()).build()
    words = TextAnalyzerBuilder(Tokenizer.regex(_WORD)).filter(Filter.remove_long(MAX_WORD_BYTES))
    words = words.filter(Filter.lowercase()).filter(Filter.ascii_fold())
    return (words.filter(Filter.stemmer("english")) if name == STEMMED else words).build()


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field(KEY, indexed=True, fast=True)
    builder.add_text_field(HANDLE, tokenizer_name=RAW, index_option="basic")
    builder.add_text_field(LABEL, tokenizer_name=RAW, index_option="basic")
    builder.add_float_field(RATE, fast=True)
    for field, analyser in FIELDS.items():
        builder.add_text_field(field, tokenizer_name=analyser, index_option="freq")
    return builder.build()


def _register(index: tantivy.Index) -> None:
    for name in (PLAIN, STEMMED, RAW):
        index.register_tokenizer(name, _analyser(name))
