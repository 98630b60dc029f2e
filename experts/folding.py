"""Texts as lists search them: without regard to case, accents and apostrophes, in every script.

Databases differ here: SQLite's LIKE ignores the case of ASCII alone, PostgreSQL's UPPER depends on its locale, and
neither knows accents. So both sides are folded here, and the database only compares.
"""

from __future__ import annotations

import unicodedata

from experts.profiles.letters import plain_letters

_LETTERS = str.maketrans(
    {
        **{"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "ı": "i", "ĸ": "k", "ŋ": "n"},
        **{"æ": "ae", "œ": "oe", "þ": "th", "ß": "ss"},
        **dict.fromkeys("'’‘‛ʼʻʹʾʿ`´′\"“”„«»", None),
        **dict.fromkeys(",;", " "),
    }
)
"""Letters that Unicode does not take apart, marks that people type in many ways or not at all, and what separates."""


def folded(text: str) -> str:
    """`text` in lower case, without accents and apostrophes, with single spaces.

    Marks are removed before the text is taken apart too: to order a long run of them takes the square of its length.
    """
    if not text.isascii():
        text = plain_letters(text.encode("utf-8", "replace").decode())
        text = _without_marks(unicodedata.normalize("NFKD", _without_marks(text).casefold()))
    return " ".join(text.lower().translate(_LETTERS).split())


def folded_words(text: str) -> list[str]:
    """The words to look for. “Last, First” are two."""
    return folded(text).split()


def _without_marks(text: str) -> str:
    return "".join(sign for sign in text if not unicodedata.combining(sign))
