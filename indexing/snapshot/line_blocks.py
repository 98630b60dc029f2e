"""Very many short texts, one for each expert, compressed in blocks: written and read one after another."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

BLOCK = 16
"""Texts per block: if one text in a hundred changes, most blocks stay as they are."""
LEVEL = 1


class Lines:
    """The texts of n rows, read best in their order. `packed` may be mapped; `ends` say where each block ends."""

    def __init__(self, packed: NDArray[np.uint8], ends: NDArray[np.int64], count: int) -> None:
        """`packed` is uint8[bytes], `ends` int64[blocks]. Raises ValueError if they do not fit `count` texts."""
        if len(ends) != -(-count // BLOCK) or (int(ends[-1]) if len(ends) else 0) != len(packed):
            raise ValueError(f"not {count} texts")
        self._packed, self._ends, self._count = packed, ends, count
        self._number, self._block = -1, [""]

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, row: int) -> str:
        """Raises ValueError or zlib.error if the block is damaged."""
        number = row // BLOCK
        if number != self._number:
            self._block = zlib.decompress(self.raw(number)).decode("utf-8").split("\n")
            self._number = number
        return self._block[row % BLOCK]

    def raw(self, number: int) -> bytes:
        """A block as it is stored."""
        start = int(self._ends[number - 1]) if number else 0
        return self._packed[start : int(self._ends[number])].tobytes()

    def is_block(self, rows: Sequence[int]) -> bool:
        """Whether these rows are a whole block."""
        return is_block(rows, BLOCK, self._count)


def is_block(rows: Sequence[int], size: int, count: int) -> bool:
    """Whether `rows` are a whole block: `count` rows are stored, `size` in each block but the last one."""
    first = rows[0]
    whole = range(first, min(first + size, count))
    return first >= 0 and first % size == 0 and len(rows) == len(whole) and list(rows) == list(whole)


class LineWriter:
    """Writes texts without line breaks into a file, block by block. Raises OSError."""

    def __init__(self, path: Path, before: Lines | None = None) -> None:
        """`before` has texts of which some come again: a block of them is copied as it is."""
        self._file = path.open("wb")
        self._before = before
        self._texts: list[str] = []
        self._rows: list[int] = []
        self._ends = array("q")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._texts:
                self._write()
        finally:
            self._file.close()

    def add(self, text: str, row: int = -1) -> None:
        """Add a text; `row` is where `before` has it, -1 if nowhere."""
        self._texts.append(text)
        self._rows.append(row)
        if len(self._texts) == BLOCK:
            self._write()

    @property
    def ends(self) -> NDArray[np.int64]:
        """int64[blocks]: where in the file each block ends; complete once the writer is left."""
        return np.array(self._ends, np.int64)

    def _write(self) -> None:
        if self._before is not None and self._before.is_block(self._rows):
            raw = self._before.raw(self._rows[0] // BLOCK)
        else:
            raw = zlib.compress("\n".join(self._texts).encode(), LEVEL)
        self._file.write(raw)
        self._ends.append(self._file.tell())
        self._texts, self._rows = [], []
