"""In which language each profile is written.

Most texts tell by their function words; py3langid is asked about the others. It was right on 97 of 100 short texts of
ten languages, as was lingua (96 MB), before langdetect (88, five times as slow). It has 5 MB and needs numpy only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from experts.profiles.records import ExpertRecord
from indexing.snapshot.languages import ENGLISH, STEMMERS, function_words
from indexing.snapshot.text_analysis import words_of

READ_CHARACTERS = 400
"""More of a text says nothing new about its language."""
FEW_WORDS = 4
"""Shorter texts, such as a job title alone, are taken for the main language: all detectors guess there."""
FUNCTION_WORDS = 3
"""Different function words that a text must have to show its language; of other languages at most half as many."""
CONFIDENCE = 0.5
"""Of py3langid; below it a text is taken for the main language."""
_OTHERS = frozenset(
    {
        "pl",
        "cs",
        "sk",
        "uk",
        "bg",
        "sr",
        "hr",
        "sl",
        "ca",
        "eu",
        "gl",
        "id",
        "vi",
        "ja",
        "zh",
        "ko",
        "he",
        "fa",
        "hi",
        "th",
    }
)
"""Languages without a stemmer that texts are also compared with, not to be taken for one that has."""


@dataclass(frozen=True, slots=True)
class ProfileLanguages:
    """The languages of the profiles of one directory: codes of `snapshot.languages.STEMMERS`."""

    main: str
    """Of most profiles."""
    each: tuple[str, ...]
    """Of each profile, in order."""

    documents: tuple[str, ...]
    """Of the documents of each."""


def detect(expert: ExpertRecord) -> tuple[str, str]:
    """The languages of title and bio, and of the documents; empty if unclear."""
    own = language_of(f"{expert.job_title}. {expert.bio or expert.documents}")
    return own, language_of(expert.documents)


def settle(own: Sequence[str], of_documents: Sequence[str]) -> ProfileLanguages:
    """The languages of all profiles, from what `detect` found in each.

    Those of unclear ones, and of languages without a stemmer, count as the main language; those of unclear documents
    as that of the profile.
    """
    counts = Counter(code for code in own if code)
    main = max(counts, key=lambda code: (counts[code], code == ENGLISH, code), default=ENGLISH)
    each = tuple(code or main for code in own)
    return ProfileLanguages(main, each, tuple(code or other for code, other in zip(of_documents, each, strict=True)))


def language_of(text: str) -> str:
    """The language of a text; empty if it is unclear or has no stemmer."""
    text = text[:READ_CHARACTERS]
    words = set(words_of(text))
    if len(words) < FEW_WORDS:
        return ""
    known = _languages_of()
    found = Counter(code for word in words for code in known.get(word, ()))
    (most, best), (second, _) = sorted(((found[code], code) for code in STEMMERS), reverse=True)[:2]
    if most >= FUNCTION_WORDS and second * 2 <= most:
        return best
    code, confidence = _identifier().classify(text)
    return code if code in STEMMERS and confidence >= CONFIDENCE else ""


@cache
def _languages_of() -> dict[str, list[str]]:
    """Function word -> the languages that have it."""
    codes: dict[str, list[str]] = {}
    for code in STEMMERS:
        for word in function_words(code):
            codes.setdefault(word, []).append(code)
    return codes


@cache
def _identifier() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages((*STEMMERS, *_OTHERS))
    return identifier
