"""Columns of texts of which an expert has none, one or several, such as the languages that they speak."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class ValueLists:
    """The values of one field over n experts."""

    names: NDArray[np.str_]
    """[k]: all values that somebody has, rising."""
    starts: NDArray[np.int64]
    """[n + 1]: the values of row i are names[values[starts[i]:starts[i + 1]]]."""
    values: NDArray[np.int32]
    """Indices into `names` of all rows, one row after another."""
    totals: dict[str, int] = field(init=False)
    """Value -> how many experts have it, largest first."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "totals", self._counted(self.values))

    @classmethod
    def from_lists(cls, lists: Sequence[Sequence[str]]) -> Self:
        """The column of these values: a list for each expert, in their order."""
        names = sorted({name for each in lists for name in each})
        number = {name: place for place, name in enumerate(names)}
        starts = np.zeros(len(lists) + 1, np.int64)
        np.cumsum([len(each) for each in lists], out=starts[1:])
        values = np.array([number[name] for each in lists for name in each], np.int32)
        return cls(np.array(names, np.str_), starts, values)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray], prefix: str) -> Self:
        """What `arrays` returned for this prefix: texts str[k], int64[n + 1] and int32[m].

        Raises KeyError, and ValueError if the arrays do not fit.
        """
        made = [arrays[f"{prefix}_{name}"] for name in ("names", "starts", "values")]
        names, starts, values = made
        if not len(starts) or starts[-1] != len(values):
            raise ValueError(f"columns of different lengths: {prefix}")
        if len(values) and not (values.min() >= 0 and values.max() < len(names)):
            raise ValueError(f"a value without a name: {prefix}")
        return cls(*made)

    def arrays(self, prefix: str) -> dict[str, NDArray]:
        """The three arrays to be stored, by name: texts str[k], int64[n + 1] and int32[m]."""
        return {f"{prefix}_{name}": getattr(self, name) for name in ("names", "starts", "values")}

    def __len__(self) -> int:
        """Number of experts."""
        return len(self.starts) - 1

    def counts(self, rows: NDArray[np.int64] | None = None) -> dict[str, int]:
        """Value -> how many of `rows` (int64[m]; all by default) have it, largest first, without what nobody has."""
        return self.totals if rows is None else self._counted(self.values[entries_of(self.starts, rows)])

    def having(self, names: Iterable[str]) -> NDArray[np.bool_]:
        """bool[n]: which rows have at least one of these values."""
        mask = np.zeros(len(self), np.bool_)
        held = np.isin(self.names, list(names))[self.values] if len(self.names) else np.zeros(0, np.bool_)
        mask[np.searchsorted(self.starts, np.flatnonzero(held), side="right") - 1] = True
        return mask

    def of_rows(self, first: int, last: int) -> Iterator[list[str]]:
        """The values of each row from `first` to before `last`."""
        starts = self.starts[first : last + 1]
        held: list[str] = self.names[self.values[starts[0] : starts[-1]]].tolist()
        ends = (starts - starts[0]).tolist()
        return (held[start:end] for start, end in zip(ends, ends[1:], strict=False))

    def _counted(self, values: NDArray[np.int32]) -> dict[str, int]:
        counts = np.bincount(values, minlength=len(self.names))
        held = np.flatnonzero(counts)
        order = held[np.argsort(-counts[held], kind="stable")]
        return dict(zip(self.names[order].tolist(), counts[order].tolist(), strict=True))


def entries_of(starts: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Indices of the entries of these rows, int64[m], one row after another: those of row i are
    starts[i]:starts[i + 1]."""
    first = starts[rows]
    counts = starts[rows + 1] - first
    before = np.cumsum(counts) - counts
    return np.repeat(first - before, counts) + np.arange(counts.sum())
