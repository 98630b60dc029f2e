"""The terms of each text of a version with their counts: what is left to count when the next version is built."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexing.snapshot import counted_terms
from indexing.snapshot.counted_terms import TermBlock, counted


@dataclass(frozen=True, slots=True, eq=False)
class TextTerms:
    """The terms of n experts' profiles, then those of m passages."""

    words: list[str]
    """The terms that some text has, in the order of their letters: term i is words[i]."""
    blocks: list[TermBlock]
    """Of the texts, in their order."""

    @classmethod
    def of(
        cls,
        rows: NDArray[np.int64],
        terms_of: Callable[[NDArray[np.int64]], Iterable[list[str]]],
        known: TextTerms | None,
    ) -> TextTerms:
        """Those of t texts. `rows`, int64[t], says which text of `known` each one is, -1 for none: `terms_of` gives
        the terms of those at some places, int64[u], in this order."""
        numbers = {word: number for number, word in enumerate(known.words)} if known else {}
        new = np.flatnonzero(rows < 0)
        blocks = [*counted(terms_of(new), numbers, grows=True)]
        if known:
            places = rows.copy()
            places[new] = np.arange(len(new)) + known.count
            blocks = [*_Pool([*known.blocks, *blocks]).blocks_of(places)]
        used = np.zeros(len(numbers), np.bool_)
        for block in blocks:
            used[block.terms] = True
        words = sorted(word for word, number in numbers.items() if used[number])
        number = np.zeros(len(numbers), np.uint32)
        number[np.fromiter((numbers[word] for word in words), np.int64, len(words))] = np.arange(len(words))
        return cls(words, [TermBlock(number[each.terms], each.counts, each.sizes, each.lengths) for each in blocks])

    @property
    def count(self) -> int:
        """Number of texts, t."""
        return sum(len(block.sizes) for block in self.blocks)

    def save(self, path: Path) -> None:
        """Write an .npz file. Raises OSError."""
        encoded = [word.encode() for word in self.words]
        columns: dict[str, Any] = {
            name: _joined(self.blocks, name) for name in ("terms", "counts", "sizes", "lengths")
        }
        columns["counts"] = columns["counts"].astype(np.min_scalar_type(int(columns["counts"].max(initial=0))))
        letters = np.frombuffer(b"".join(encoded), np.uint8)
        np.savez(path, letters=letters, ends=np.cumsum(list(map(len, encoded)), dtype=np.int64), **columns)

    @classmethod
    def load(cls, path: Path, count: int) -> TextTerms:
        """Read what `save` wrote of that many texts. Raises KeyError, ValueError or OSError for anything else."""
        with np.load(path, allow_pickle=False) as stored:
            letters, ends = stored["letters"].tobytes(), stored["ends"].tolist()
            terms, counts = stored["terms"], stored["counts"].astype(np.uint32)
            sizes, lengths = stored["sizes"], stored["lengths"]
        words = [letters[start:end].decode() for start, end in zip([0, *ends], ends, strict=False)]
        if len(sizes) != count or len(lengths) != count or not sizes.sum() == len(terms) == len(counts):
            raise ValueError(f"not the terms of {count} texts")
        if len(terms) and not int(terms.max()) < len(words):
            raise ValueError("a term has no word")
        return cls(words, [TermBlock(terms, counts, sizes, lengths)])


class _Pool:
    """Texts of several blocks, from which others are put together."""

    def __init__(self, blocks: Sequence[TermBlock]) -> None:
        self._columns = {name: _joined(blocks, name) for name in ("terms", "counts", "sizes", "lengths")}
        sizes = self._columns["sizes"]
        self._starts = np.cumsum(sizes, dtype=np.int64) - sizes

    def blocks_of(self, places: NDArray[np.int64]) -> Iterator[TermBlock]:
        """The texts at `places`, int64[t], in this order."""
        of = self._columns
        for start in range(0, len(places), counted_terms.BLOCK):
            some = places[start : start + counted_terms.BLOCK]
            sizes = of["sizes"][some]
            at = np.arange(int(sizes.sum())) + np.repeat(self._starts[some] - (np.cumsum(sizes) - sizes), sizes)
            yield TermBlock(of["terms"][at], of["counts"][at], sizes, of["lengths"][some])


def _joined(blocks: Sequence[TermBlock], name: str) -> NDArray[Any]:
    kind = np.int64 if name in ("sizes", "lengths") else np.uint32
    return np.concatenate([np.empty(0, kind), *(getattr(block, name) for block in blocks)])
