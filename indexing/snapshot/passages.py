"""Which passages a version has, of the experts whose profile is embedded in several pieces."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from indexing.errors import SnapshotInvalid
from indexing.lib.messages import message


@dataclass(frozen=True, slots=True, eq=False)
class PassageRows:
    """The m passages of the s experts who have more than one; an expert's passages follow each other.

    The first of them is the whole profile, as far as the model reads it.
    """

    table: NDArray[np.int32]
    """int32[m, 3]: row of the expert, start and length in the bio, in characters"""
    owners: NDArray[np.int64] = field(init=False)
    """int64[s]: rows of the experts who have several, ascending"""
    starts: NDArray[np.int64] = field(init=False)
    """int64[s]: the first passage of each"""
    counts: NDArray[np.int64] = field(init=False)
    """int64[s]: how many passages each has"""

    def __post_init__(self) -> None:
        owners, starts, counts = np.unique(self.table[:, 0], return_index=True, return_counts=True)
        object.__setattr__(self, "owners", owners.astype(np.int64))
        object.__setattr__(self, "starts", starts.astype(np.int64))
        object.__setattr__(self, "counts", counts.astype(np.int64))

    @classmethod
    def none(cls) -> PassageRows:
        """Those of a version in which everybody has one vector."""
        return cls(np.empty((0, 3), np.int32))

    def __len__(self) -> int:
        return len(self.table)

    def check(self, experts: int) -> None:
        """Raises SnapshotInvalid unless these are passages of that many experts."""
        column = self.table[:, 0]
        if len(self) and (column.min() < 0 or column.max() >= experts or (np.diff(column) < 0).any()):
            raise SnapshotInvalid(message("The passages belong to other experts. Rebuild the index."))

    def whole_rows(self, experts: int) -> NDArray[np.int64]:
        """int64[n]: for each of n experts the row, in the matrix of vectors, of the vector of the whole profile."""
        rows = np.arange(experts, dtype=np.int64)
        rows[self.owners] = experts + self.starts
        return rows

    def counted(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """bool[n + m]: the rows of the matrix of vectors that are texts of the experts selected by `mask`, bool[n].

        The mean of somebody's passages is none.
        """
        own = mask.copy()
        own[self.owners] = False
        return np.concatenate([own, mask[self.table[:, 0]]])

    def texts(self, count: int, experts: int) -> NDArray[np.int64] | None:
        """int64[t]: the rows of the matrix of vectors that are texts, for an index of `count` vectors of n experts.

        None if the index has the means too.
        """
        if count == experts + len(self):
            return None
        return np.flatnonzero(self.counted(np.ones(experts, np.bool_)))

    def places_of(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """For each expert's row int64[k], the place in `owners`, and whether the expert has several passages."""
        if not len(self.owners):
            return np.zeros(len(rows), np.int64), np.zeros(len(rows), np.bool_)
        places = np.minimum(np.searchsorted(self.owners, rows), len(self.owners) - 1)
        return places, self.owners[places] == rows
