"""Two ranked lists of hits side by side: who moved, who came, who went."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

OVERLAP_AT = 10
"""As far down as versions are compared, in the gate, the Lab and the saved queries."""

Mark = Literal["same", "up", "down", "only"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody stands in one list, and where in the other. Ranks count from 1."""

    rank: int
    other: int | None
    """None: not in the other list"""

    @property
    def moved(self) -> int:
        """By how many places nearer to the top than in the other list; below 0 farther down."""
        return 0 if self.other is None else self.other - self.rank

    @property
    def places(self) -> int:
        return abs(self.moved)

    @property
    def mark(self) -> Mark:
        if self.other is None:
            return "only"
        return "up" if self.moved > 0 else "down" if self.moved < 0 else "same"


def places(ranked: Sequence[Hashable], other: Sequence[Hashable]) -> list[Place]:
    """A place for each of `ranked`, in its order. Nobody stands twice in a list."""
    ranks = {each: rank for rank, each in enumerate(other, 1)}
    return [Place(rank, ranks.get(each)) for rank, each in enumerate(ranked, 1)]


def overlap(before: Sequence[Hashable], after: Sequence[Hashable], at: int = OVERLAP_AT) -> float | None:
    """overlap@10: share of the first ten of `before` that are among the first ten of `after`; None without any."""
    first = set(before[:at])
    return len(first.intersection(after[:at])) / len(first) if first else None
