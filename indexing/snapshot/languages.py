"""The words of several languages in one index: their stems and function words, and those of a directory.

A text is stored in the stems of its own language. A query is analysed in every language of the directory, since its
own is seldom known from a few words. Stems of other languages than English are stored with their language (“it.dat”):
the Italian stem of “data” is the English one of another word, and without the mark sentences over 10,501 speakers
have an nDCG@10 of .305 instead of .310. So are function words (“nl:die”): “die casting” finds no Dutch “die”.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from stop_words import get_stop_words
from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

from indexing.snapshot.text_analysis import fold, words_of

ENGLISH = "en"
STEMMERS = {
    "ar": "arabic",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "hu": "hungarian",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
}
"""ISO 639 code -> the Snowball stemmer's name in tantivy."""
_NO_SNOWBALL_LIST = frozenset({"ar", "el", "ro", "ta", "tr"})
"""Their stemmers have no list of function words in tantivy."""
_ENGLISH_FUNCTION_WORDS = """
    a about an and any are as at be been but by can could do does for from had has have he her him his how i if
    in into is its like me my of on one or our she should so some somebody someone than that the their them then
    there these they this those to was we were what when where which while who whom whose why will with would
    you your
"""
"""“It” and “us” are not among them: IT, US."""
_FEWEST = 2
"""Function words that a query must have for another language than the main one to be taken for its language."""


@dataclass(frozen=True, slots=True)
class Languages:
    """The languages of one directory, as ISO 639 codes: its main language first."""

    codes: tuple[str, ...] = (ENGLISH,)
    marked: bool = True
    """Whether words are stored with their language; the first releases stored the English stem."""

    def forms(self, word: str, *, function_words: bool = False) -> tuple[str, ...]:
        """Every form in which texts may hold a folded word, each once, that of the main language first.

        Where it is a function word, only with `function_words`, unless it is one in all languages.
        """
        return _forms(self, word, function_words)

    def forms_of_each(self, words: Sequence[str]) -> list[tuple[str, ...]]:
        """The `forms` of many folded words, in a quarter of the time: those of texts."""
        if not self.marked or not all(words):
            return [self.forms(word) for word in words]
        columns = [_terms(code, words) for code in self.codes]
        forms = (tuple(dict.fromkeys(form for form in row if form)) for row in zip(*columns, strict=True))
        return [each or self.forms(word) for word, each in zip(words, forms, strict=True)]

    def function_words(self, words: Sequence[str]) -> Collection[str]:
        """Those of a query's folded words that only hold it together, in the main language and in its own.

        Another language than the main one counts if the query has at least two of its function words and more than
        of the main language: “die” is a word in “die casting”.
        """
        found = {code: {word for word in words if word in function_words(code)} for code in self.codes}
        main = found[self.codes[0]]
        own = [each for each in found.values() if len(each) >= _FEWEST and len(each) > len(main)]
        return main.union(*own)


ENGLISH_ONLY = Languages()


@lru_cache(maxsize=16_384)
def _forms(languages: Languages, word: str, function_words: bool) -> tuple[str, ...]:
    """See `Languages.forms`."""
    forms = [term(code, word) if languages.marked else stem(code, word) for code in languages.codes]
    if languages.marked and not function_words:
        forms = [form for form in forms if ":" not in form] or forms
    return tuple(dict.fromkeys(forms))


def term(code: str, word: str) -> str:
    """A folded word as a text of this language stores it: its stem, or the word itself if it is a function word, with
    the language."""
    if word in function_words(code):
        return f"{code}:{word}"
    return stem(code, word) if code == ENGLISH else f"{code}.{stem(code, word)}"


def _terms(code: str, words: Sequence[str]) -> list[str]:
    """The `term` of each folded word; empty for function words."""
    excluded, before = function_words(code), "" if code == ENGLISH else f"{code}."
    stems = _stemmer(code, Tokenizer.whitespace).analyze(" ".join(words))
    return ["" if word in excluded else before + each for word, each in zip(words, stems, strict=True)]


def terms_of(text: str, code: str) -> list[str]:
    """The terms of a text in this language as the index stores them, in the order of the text."""
    return [term(code, word) for word in words_of(text)]


@lru_cache(maxsize=262_144)
def stem(code: str, word: str) -> str:
    """The stem of a folded word in a language of STEMMERS."""
    return "".join(_stemmer(code).analyze(word))


@cache
def function_words(code: str) -> frozenset[str]:
    """The folded function words of a language.

    Only those that both lists have, where there are two: the longer one has words such as “trabajo”.
    """
    if code == ENGLISH:
        return frozenset(_ENGLISH_FUNCTION_WORDS.split())
    # Norwegian is not in the longer list: the words that it shares with Danish are most of them.
    words: list[str] = [] if code == "ta" else get_stop_words("da" if code == "no" else code)
    if code not in _NO_SNOWBALL_LIST:
        only = TextAnalyzerBuilder(Tokenizer.raw()).filter(Filter.stopword(STEMMERS[code])).build()
        words = [word for word in words if not only.analyze(word)]
    return frozenset(fold(word) for word in words)


@cache
def _stemmer(code: str, tokenizer: Callable[[], Tokenizer] = Tokenizer.raw) -> TextAnalyzer:
    return TextAnalyzerBuilder(tokenizer()).filter(Filter.stemmer(STEMMERS[code])).build()
