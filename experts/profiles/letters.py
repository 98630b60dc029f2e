"""One spelling for letters that look alike: for what is embedded, for the words of the index, and for queries.

Styled letters (𝐆𝐫𝐨𝐰𝐭𝐡, Ｗｉｄｅ, Ⓖ), ligatures (ﬁ) and Arabic presentation forms become plain letters, the only ones
that models know. Fractions, powers and units stay (full NFKC makes “10½” into “101⁄2” and “x²” into “x2”). Characters
that nobody sees (soft hyphens, zero width, directions) are removed, since they cut words in two.
"""

from __future__ import annotations

import re
import unicodedata

_SHAPES = frozenset({"<font>", "<wide>", "<narrow>", "<isolated>", "<initial>", "<medial>", "<final>"})
"""Kinds of Unicode's compatibility decompositions in which only the shape differs."""
_LIGATURES = "<compat>"
_ENCLOSED = frozenset({"<circle>", "<square>"})
_KEPT = frozenset(
    [0xB5, *range(0xE00, 0xF00), *range(0x3131, 0x318F), *range(0xFFA0, 0xFFDD)],
)
"""The micro sign; Thai and Lao vowels and single Korean letters, whose decomposed forms are written by nobody."""
_UNSEEN = (
    *(0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x180E, 0x3164, 0xFEFF, 0xFFA0),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
)
_HYPHENS = (0x2010, 0x2011)
_HALF_WIDTH_KANA = re.compile("[\uff66-\uff9f]+")
"""Its sound marks are letters of their own and join the letter before them."""


def plain_letters(text: str) -> str:
    """`text` with plain letters, without characters that nobody sees; ASCII text is returned as it is."""
    if text.isascii():
        return text
    return _HALF_WIDTH_KANA.sub(lambda run: unicodedata.normalize("NFKC", run.group()), text).translate(_PLAIN_FORMS)


class _PlainForms(dict[int, str | None]):
    """What characters become, by code point; worked out when one is met for the first time."""

    def __missing__(self, code: int) -> str | None:
        sign = chr(code)
        kind, _, _ = unicodedata.decomposition(sign).partition(" ")
        if kind.startswith("<") and code not in _KEPT and _has_a_plain_form(kind, sign):
            sign = unicodedata.normalize("NFKC", sign)
        self[code] = sign
        return sign


def _has_a_plain_form(kind: str, sign: str) -> bool:
    if kind in _ENCLOSED:
        plain = unicodedata.normalize("NFKC", sign)
        return len(plain) == 1 and plain.isascii() and plain.isalpha()
    return kind in _SHAPES or (kind == _LIGATURES and unicodedata.category(sign).startswith("L"))


_PLAIN_FORMS = _PlainForms(dict.fromkeys(_HYPHENS, "-") | dict.fromkeys(_UNSEEN))
