"""From text to index terms: how documents and queries are cut into words, folded and stemmed.

Two analysers for words, both lowercase with accents folded: PLAIN keeps words as they are (names, usernames), STEMMED
reduces English words to their stem. Two for whole texts: RAW changes nothing, FOLDED folds case and accents.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import NamedTuple

from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

PLAIN, STEMMED, RAW, FOLDED = "tcs_plain", "tcs_stemmed", "tcs_raw", "tcs_folded"

MAX_TERMS = 64
"""Distinct words of a query that count; the rest of a pasted page adds time, not meaning."""
MAX_WORD_BYTES = 80
MAX_MARKS = 30
"""Combining characters of one letter that count, as in Unicode's Stream-Safe Text Format (UAX 15)."""

# Scripts written without spaces: every run of them becomes its characters and their pairs.
UNSPACED = (
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
_UNSPACED = re.compile(f"{UNSPACED}+")
# Accents of Latin, Greek and Cyrillic, vowel points of Hebrew and Arabic, the Arabic stretching stroke.
_ACCENTS = re.compile(r"[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]")
_RARE = re.compile("[\U00010000-\U0010ffff]")
# C++, C#, F# and J# are words of their own: without their signs they would all be single letters.
_WORD = r"[cC]\+\+|[cCfFjJ]#|[\p{L}\p{N}\p{M}]+"

_STOP_WORDS = """
    a about an and any are as at be been but by can could do does for from had has have he her him his how i if
    in into is its like me my of on one or our she should so some somebody someone than that the their them then
    there these they this those to was we were what when where which while who whom whose why will with would
    you your
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""Left out of queries that have other words; they stay in the index. “It” and “us” are not among them: IT, US."""


class Term(NamedTuple):
    """One word as the index stores it: as it is in PLAIN fields, its stem in STEMMED fields."""

    plain: str
    stem: str


def prepare(text: str) -> str:
    """Normalise text for the analysers, in the same way for documents and queries.

    Compatible forms become one (full width, ligatures), accents are removed, and scripts without spaces are cut into
    characters and pairs of characters: finding their words would need a dictionary. Lone surrogates, which have no
    UTF-8 form, become “?”. ASCII text is returned unchanged.
    """
    if text.isascii():
        return text
    return _UNSPACED.sub(_characters_and_pairs, _without_accents(text))


@lru_cache(maxsize=16_384)
def analyse_word(word: str) -> Term:
    """One word as the index stores it. A word without any letter or digit gives empty strings."""
    prepared = prepare(word)
    return Term("".join(analyser(PLAIN).analyze(prepared)), "".join(analyser(STEMMED).analyze(prepared)))


def analyse_query(query: str) -> list[Term]:
    """The distinct words of a query, in the order typed. Every character that is not part of a word is dropped."""
    prepared = prepare(query)
    plain = analyser(PLAIN).analyze(prepared)
    stems = analyser(STEMMED).analyze(prepared)
    return [Term(*pair) for pair in dict.fromkeys(zip(plain, stems, strict=True))]


def scoring_terms(terms: list[Term]) -> list[Term]:
    """The first MAX_TERMS terms that are not stop words, or of all terms if the query has nothing but stop words."""
    return ([term for term in terms if term.plain not in STOP_WORDS] or terms)[:MAX_TERMS]


def fold(text: str) -> str:
    """The text in lowercase without accents, as the words of the index are. Spaces and all scripts are preserved."""
    if text.isascii():
        return text.lower()
    return "".join(analyser(FOLDED).analyze(_without_accents(text)))


def whole_text_term(text: str) -> str:
    """The text as a single term for a RAW field: lowercase, without surrounding white space."""
    return text.encode("utf-8", "replace").decode().strip().lower()


@cache
def analyser(name: str) -> TextAnalyzer:
    """The tantivy analyser called PLAIN, STEMMED, RAW or FOLDED; each is made once per process."""
    if name == RAW:
        return TextAnalyzerBuilder(Tokenizer.raw()).build()
    if name == FOLDED:
        return TextAnalyzerBuilder(Tokenizer.raw()).filter(Filter.lowercase()).filter(Filter.ascii_fold()).build()
    words = TextAnalyzerBuilder(Tokenizer.regex(_WORD)).filter(Filter.remove_long(MAX_WORD_BYTES))
    words = words.filter(Filter.lowercase()).filter(Filter.ascii_fold())
    return (words.filter(Filter.stemmer("english")) if name == STEMMED else words).build()


def _without_accents(text: str) -> str:
    text = text.encode("utf-8", "replace").decode()
    text = _long_runs(_RARE.search(text) is not None).sub(lambda run: run.group()[:MAX_MARKS], text)
    return unicodedata.normalize("NFKC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text)))


@cache
def _long_runs(with_rare: bool) -> re.Pattern[str]:
    """More combining characters in a row than any language writes: normalising takes the square of their number.

    A set of characters that are all below U+10000 is fast: 0.02 µs for each character of the text, instead of 0.6.
    """
    codes = range(0x300, 0x1F000 if with_rare else 0x10000)
    marks = "".join(chr(code) for code in codes if not 0xD800 <= code < 0xE000 and _combines(chr(code)))
    return re.compile(f"[{marks}][{marks}]{{{MAX_MARKS},}}")


def _combines(sign: str) -> bool:
    return unicodedata.combining(unicodedata.normalize("NFKD", sign)[0]) != 0


def _characters_and_pairs(run: re.Match[str]) -> str:
    characters = run.group()
    pairs = (characters[start : start + 2] for start in range(len(characters) - 1))
    return f" {' '.join(characters)} {' '.join(pairs)} "
