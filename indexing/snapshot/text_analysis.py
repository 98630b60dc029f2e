"""From text to words: how documents and queries are cut into words and folded. `languages` has their stems.

PLAIN cuts a text into words, in lowercase without accents; TERMS cuts prepared terms at white space. Two for whole
texts: RAW changes nothing, FOLDED folds case and accents. STEMMED is for versions before format 5: PLAIN, then the
stems of English words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

from experts.profiles.letters import plain_letters

PLAIN, TERMS, STEMMED, RAW, FOLDED = "tcs_plain", "tcs_terms", "tcs_stemmed", "tcs_raw", "tcs_folded"

MAX_WORD_BYTES = 80
MAX_MARKS = 30
"""Combining characters of one letter that count, as in Unicode's Stream-Safe Text Format (UAX 15)."""

# Scripts written without spaces, and Korean, whose words carry endings: every run of them becomes its characters and
# their pairs.
UNSPACED = (
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u3005-\u3007\u3040-\u312f\u3400-\u4dbf"
    r"\u4e00-\u9fff\ua000-\ua4cf\ua9e0-\ua9ff\uaa60-\uaa7f\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9f"
    r"\U00020000-\U0003ffff]"
)
_UNSPACED = re.compile(f"{UNSPACED}+")
_UNSPACED_BEFORE = re.compile(f"{UNSPACED}+".replace(r"\uac00-\ud7a3", ""))
# Letters of which keyboards have several, or that differ at the end of a word: Arabic and Persian, Greek.
_VARIANTS = str.maketrans("یىکہھةەٱς٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "ييكههههاσ01234567890123456789")
# Accents of Latin, Greek and Cyrillic, vowel points of Hebrew and Arabic, the Arabic stretching stroke.
_ACCENTS = re.compile(r"[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]")
_RARE = re.compile("[\U00010000-\U0010ffff]")
# C++, C#, F# and J# are words of their own: without their signs they would all be single letters.
_WORD = r"[cC]\+\+|[cCfFjJ]#|[\p{L}\p{N}\p{M}]+"

# Words that are also written as one: full-stack, O'Brien, J.R.R., S/4HANA, snake_case.
_COMPOUND = re.compile(r"(?<![^\W_])[^\W_]++(?:[-'’ʼ`´.·/&_][^\W_]++)+")
_LETTERS_AND_DIGITS = re.compile(r"(?<![^\W_])([^\W\d_]{2,}+)(\d{2,}+)(?![^\W_])")
_LONGEST_COMPOUND = 40


def prepare(text: str, *, as_before: bool = False) -> str:
    """Normalise text for the analysers, in the same way for documents and queries.

    Compatible forms become one (full width, ligatures), accents and unseen characters are removed, and scripts
    without spaces are cut into characters and pairs of characters: finding their words would need a dictionary. Lone
    surrogates, which have no UTF-8 form, become “?”. ASCII text is returned unchanged. `as_before`: for versions
    before format 5, which know no variants of letters and do not cut Korean.
    """
    if text.isascii():
        return text
    if as_before:
        return _UNSPACED_BEFORE.sub(_characters_and_pairs, _without_accents(text))
    return _UNSPACED.sub(_characters_and_pairs, _folded_letters(text))


def words_of(text: str, *, as_before: bool = False) -> list[str]:
    """The folded words of a text, in its order. Every character that is not part of a word is dropped."""
    return analyser(PLAIN).analyze(prepare(text, as_before=as_before))


def phrases_of(text: str) -> list[list[str]]:
    """The folded words of a phrase, as they follow one another in the index.

    Several lists where scripts with and without spaces meet: of a run without spaces the index has all characters
    before the first pair.
    """
    folded = text if text.isascii() else _folded_letters(text)
    parts: list[list[str]] = []
    at = 0
    for run in _UNSPACED.finditer(folded):
        signs = run.group()
        parts += [words_of(folded[at : run.start()]), [signs[i : i + 2] for i in range(len(signs) - 1)] or [signs]]
        at = run.end()
    return [part for part in (*parts, words_of(folded[at:])) if part]


def is_unspaced(word: str) -> bool:
    """Whether a folded word is a character or a pair of a script without spaces."""
    return _UNSPACED.match(word) is not None


def joined_words(text: str) -> Iterator[str]:
    """The folded words that a text holds in parts or as a part: fullstack for full-stack, iso and 27001 for ISO27001.

    So both spellings find each other.
    """
    folded = fold(text)
    for compound in _COMPOUND.findall(folded):
        joined = "".join(character for character in compound if character.isalnum())
        if len(joined) <= _LONGEST_COMPOUND:
            yield joined
    for parts in _LETTERS_AND_DIGITS.findall(folded):
        yield from parts


def fold(text: str) -> str:
    """The text in lowercase without accents, as the words of the index are. Spaces and all scripts are preserved."""
    if text.isascii():
        return text.lower()
    return "".join(analyser(FOLDED).analyze(_folded_letters(text)))


def whole_text_term(text: str) -> str:
    """The text as a single term for a RAW field: lowercase, without surrounding white space."""
    return text.encode("utf-8", "replace").decode().strip().lower()


@cache
def analyser(name: str) -> TextAnalyzer:
    """The tantivy analyser called PLAIN, TERMS, STEMMED, RAW or FOLDED; each is made once per process."""
    if name == TERMS:
        return TextAnalyzerBuilder(Tokenizer.whitespace()).build()
    if name == RAW:
        return TextAnalyzerBuilder(Tokenizer.raw()).build()
    if name == FOLDED:
        return TextAnalyzerBuilder(Tokenizer.raw()).filter(Filter.lowercase()).filter(Filter.ascii_fold()).build()
    words = TextAnalyzerBuilder(Tokenizer.regex(_WORD)).filter(Filter.remove_long(MAX_WORD_BYTES))
    words = words.filter(Filter.lowercase()).filter(Filter.ascii_fold())
    return (words.filter(Filter.stemmer("english")) if name == STEMMED else words).build()


def _folded_letters(text: str) -> str:
    return _without_accents(plain_letters(text)).translate(_VARIANTS)


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
