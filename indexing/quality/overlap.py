"""Compare two ranked lists of hits: which ranks changed, and how much of the top they share."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

OVERLAP_AT = 10
"""Length of the top that is compared, in the gate, the Lab and the search tests."""

RankMark = Literal["same", "up", "down", "only"]
"""Against the other list; `only`: the item is not in the other list."""


@dataclass(frozen=True, slots=True)
class RankChange:
    """An item's rank in one list and in the other one, both from 1."""

    rank: int
    other_rank: int | None
    """The rank in the other list; None if it is not there."""

    @property
    def moved(self) -> int:
        """Ranks gained against the other list: above 0 nearer to the top, below 0 farther down, 0 if only here."""
        return 0 if self.other_rank is None else self.other_rank - self.rank

    @property
    def distance(self) -> int:
        return abs(self.moved)

    @property
    def mark(self) -> RankMark:
        if self.other_rank is None:
            return "only"
        return "up" if self.moved > 0 else "down" if self.moved < 0 else "same"


def rank_changes(ranked: Sequence[Hashable], other: Sequence[Hashable]) -> list[RankChange]:
    """A RankChange for each item of `ranked`, in its order. No item may be twice in a list."""
    ranks = {item: rank for rank, item in enumerate(other, 1)}
    return [RankChange(rank, ranks.get(item)) for rank, item in enumerate(ranked, 1)]


def overlap(before: Sequence[Hashable], after: Sequence[Hashable], at: int = OVERLAP_AT) -> float | None:
    """overlap@k: the share, 0 to 1, of the first k of `before` that are among the first k of `after`.

    None if `before` is empty. For k the field also says "overlap at depth" (Webber, Moffat and Zobel, ACM TOIS
    28(4), 2010, who call it A@k).
    """
    first = set(before[:at])
    return len(first.intersection(after[:at])) / len(first) if first else None
