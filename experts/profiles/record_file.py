"""Experts in a file instead of in memory: a million of them as Python objects take more than a gigabyte."""

from __future__ import annotations

import os
import pickle
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any, Self, overload

import numpy as np
from numpy.typing import NDArray

from experts.profiles.records import ExpertRecord

BLOCK = 64
"""Experts that are read at once; with more of them, a few that are scattered take as long to read as all."""
_as_record: Callable[[tuple[Any, ...]], ExpertRecord] = partial(tuple.__new__, ExpertRecord)
"""`ExpertRecord._make` without counting the values: in half the time."""


class RecordFile(Sequence[ExpertRecord]):
    """Experts in their order, read again a block at a time. For one thread.

    The file has no name, and is gone when it is closed, or with the last reference.
    """

    def __init__(self, file: IO[bytes], ends: Sequence[int], rows: NDArray[np.int64], ids: NDArray[np.int64]) -> None:
        """`ends`: where in the file each block ends; `rows` and `ids`, int64[n], rising: which of the file these
        are, and their ids."""
        self.ids = ids
        self._file = file
        self._ends = ends
        self._rows = rows
        self._number = -1
        self._block: list[ExpertRecord] = []

    @classmethod
    def of(cls, experts: Iterable[ExpertRecord], folder: Path) -> Self:
        """Write `experts` into a file on the disk of `folder`, which must exist. Raises OSError."""
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  as long as the records
        ends, ids, left = [], array("q"), iter(experts)
        while block := list(islice(left, BLOCK)):
            file.write(pickle.dumps([tuple(each) for each in block], pickle.HIGHEST_PROTOCOL))
            ends.append(file.tell())
            ids.extend(each.id for each in block)
        file.flush()
        return cls(file, ends, np.arange(len(ids)), np.array(ids, np.int64))

    def of_rows(self, rows: Sequence[int]) -> RecordFile:
        """Some of these experts, by their places, rising."""
        some = np.asarray(rows, np.int64)
        return RecordFile(self._file, self._ends, self._rows[some], self.ids[some])

    def close(self) -> None:
        """Nothing can be read any more, and the disk is free."""
        self._file.close()

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> ExpertRecord: ...

    @overload
    def __getitem__(self, place: slice) -> list[ExpertRecord]: ...

    def __getitem__(self, place: int | slice) -> ExpertRecord | list[ExpertRecord]:
        if isinstance(place, slice):
            return [self._record(row) for row in self._rows[place].tolist()]
        return self._record(int(self._rows[place]))

    def __iter__(self) -> Iterator[ExpertRecord]:
        blocks = np.unique(self._rows // BLOCK, return_index=True, return_counts=True)
        for number, start, count in np.column_stack(blocks).tolist():
            block = self._read(number)
            if count == len(block):
                yield from block
            else:
                yield from (block[row % BLOCK] for row in self._rows[start : start + count].tolist())

    def _record(self, row: int) -> ExpertRecord:
        if row // BLOCK != self._number:
            self._block = self._read(row // BLOCK)
            self._number = row // BLOCK
        return self._block[row % BLOCK]

    def _read(self, number: int) -> list[ExpertRecord]:
        start = self._ends[number - 1] if number else 0
        raw = os.pread(self._file.fileno(), self._ends[number] - start, start)
        return [*map(_as_record, pickle.loads(raw))]  # noqa: S301  nobody else can open the file
