"""The terms of very many texts with their counts, as arrays of numbers: as Python objects they take ten times as much
memory."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK = 8_192  # texts whose terms are in one array


@dataclass(frozen=True, slots=True, eq=False)
class TermBlock:
    """The terms of b texts, each term once for each text."""

    terms: NDArray[np.uint32]
    """[t]: the number of each term, of one text after another"""
    counts: NDArray[np.uint32]
    """[t]: how often the text has it"""
    sizes: NDArray[np.int64]
    """[b]: how many different terms each text has"""
    lengths: NDArray[np.int64]
    """[b]: how many terms each text has, those without a number too"""


def counted(texts: Iterable[Iterable[str]], numbers: dict[str, int], *, grows: bool) -> Iterator[TermBlock]:
    """The terms of `texts` by `numbers`, in which new ones get the next number if it `grows`; else they have none."""
    block = _Block()
    for text in texts:
        counts = Counter(text)
        if grows:
            for term in counts:
                numbers.setdefault(term, len(numbers))
        block.add([(numbers[term], count) for term, count in counts.items() if term in numbers], counts.total())
        if len(block.sizes) == BLOCK:
            yield block.done()
            block = _Block()
    if block.sizes:
        yield block.done()


class _Block:
    def __init__(self) -> None:
        self.pairs, self.sizes, self.lengths = array("I"), array("q"), array("q")

    def add(self, known: list[tuple[int, int]], length: int) -> None:
        for pair in known:
            self.pairs.extend(pair)
        self.sizes.append(len(known))
        self.lengths.append(length)

    def done(self) -> TermBlock:
        pairs = np.array(self.pairs, np.uint32).reshape(-1, 2)
        terms, counts = (np.ascontiguousarray(column) for column in pairs.T)
        return TermBlock(terms, counts, np.array(self.sizes, np.int64), np.array(self.lengths, np.int64))
