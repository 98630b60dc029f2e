"""Words that mean the same, as the staff of a directory keep them. A version has those of when it was built."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from indexing.snapshot.text_analysis import words_of

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Synonyms:
    """What else to look for: typed words -> other words, all folded."""

    entries: tuple[tuple[str, str], ...] = ()
    """What somebody types, and what is found as well. A synonym both ways is two entries."""
    others: dict[Words, tuple[Words, ...]] = field(init=False, repr=False, compare=False)
    longest: int = field(init=False, repr=False, compare=False)
    """Words in the longest typed text."""

    def __post_init__(self) -> None:
        others: dict[Words, list[Words]] = {}
        for typed, found in self.entries:
            left, right = tuple(words_of(typed)), tuple(words_of(found))
            if left and right and left != right:
                others.setdefault(left, []).append(right)
        object.__setattr__(self, "others", {left: tuple(dict.fromkeys(each)) for left, each in others.items()})
        object.__setattr__(self, "longest", max(map(len, others), default=0))

    @property
    def pairs(self) -> frozenset[tuple[Words, Words]]:
        """What is typed and what is found as well, in words as the search reads them."""
        return frozenset((left, right) for left, rights in self.others.items() for right in rights)

    def changed_from(self, earlier: Synonyms) -> int:
        """How many synonyms were added, removed, or became one-way or both ways since `earlier`."""
        return len({frozenset(pair) for pair in self.pairs ^ earlier.pairs})

    def words_for(self, word: str) -> list[str]:
        """The single words that stand for a single typed word."""
        return [right[0] for right in self.others.get((word,), ()) if len(right) == 1]

    def phrases_for(self, words: Sequence[str]) -> Iterable[tuple[Words, Words]]:
        """Runs of the words of a query, and what else to look for: all but one word for one word."""
        for length in range(1, self.longest + 1):
            for start in range(len(words) - length + 1):
                left = tuple(words[start : start + length])
                for right in self.others.get(left, ()):
                    if len(left) > 1 or len(right) > 1:
                        yield left, right


NONE = Synonyms()
