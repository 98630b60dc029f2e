"""Word-by-word difference of two texts, shortened to the places that differ. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

COMPARED = 400
"""At most as many words are compared, since the time grows with their square; longer stretches differ as a whole."""
PAIRS = 20_000
"""At most as many pairs of equal words: 400 words of prose have 10,000; 400 times one word take a second."""
AROUND = 8
"""Words of unchanged text that are shown on either side of a difference."""

_WORD = re.compile(r"(?:\A\s*)?\S+\s*")
"""A word and the white space after it, for the first one also that before it."""


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    differs: bool


Side = tuple[Piece, ...]


def sides(before: str, after: str) -> tuple[Side, Side]:
    """The pieces of the old and of the new text. Long stretches that both share are shortened to an ellipsis."""
    old, new = _words(before), _words(after)
    start = _common(zip(old, new, strict=False))
    end = _common(zip(reversed(old[start:]), reversed(new[start:]), strict=False))
    spans = [(0, start, 0, start, False)]
    middle_old, middle_new = old[start : len(old) - end], new[start : len(new) - end]
    for same, (a, b), (c, d) in _opcodes(middle_old, middle_new):
        spans.append((start + a, start + b, start + c, start + d, not same))
    spans.append((len(old) - end, len(old), len(new) - end, len(new), False))
    left = _shortened([(old[a:b], differs) for a, b, _c, _d, differs in spans])
    right = _shortened([(new[c:d], differs) for _a, _b, c, d, differs in spans])
    return left, right


def _words(text: str) -> list[str]:
    return _WORD.findall(text) or ([text] if text else [])


def _common(pairs: Iterator[tuple[str, str]]) -> int:
    count = 0
    for one, other in pairs:
        if one != other:
            break
        count += 1
    return count


def _opcodes(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[bool, tuple[int, int], tuple[int, int]]]:
    if max(len(old), len(new)) > COMPARED or _equal_pairs(old, new) > PAIRS:
        yield False, (0, len(old)), (0, len(new))
        return
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        yield tag == "equal", (a, b), (c, d)


def _equal_pairs(old: Sequence[str], new: Sequence[str]) -> int:
    """How many pairs of an old and a new word are equal: each is looked at again for every stretch that is found."""
    counts = Counter(new)
    return sum(counts[word] for word in old)


def _shortened(spans: Sequence[tuple[Sequence[str], bool]]) -> Side:
    spans = [span for span in spans if span[0]]
    pieces = []
    for place, (words, differs) in enumerate(spans):
        text = "".join(words)
        if not differs:
            alone = len(spans) == 1  # text was only added before or after it: both ends are shown
            head = 0 if place == 0 and not alone else AROUND
            tail = 0 if place == len(spans) - 1 and not alone else AROUND
            if len(words) > head + tail + 1:
                text = "".join(words[:head]) + "… " + ("".join(words[-tail:]) if tail else "")
        pieces.append(Piece(text, differs))
    return tuple(pieces)
