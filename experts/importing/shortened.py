"""Lists on the pages of imports: their first rows, and how many more there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

MAX_SHOWN = 50
"""Rows of each list; the page says how many more there are."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ShortenedList(Generic[T]):
    """The first `MAX_SHOWN` rows of a list."""

    rows: Sequence[T]
    more: int
    """How many rows of the list are left out."""

    @classmethod
    def from_rows(cls, rows: Sequence[T]) -> ShortenedList[T]:
        return cls(rows[:MAX_SHOWN], max(0, len(rows) - MAX_SHOWN))
