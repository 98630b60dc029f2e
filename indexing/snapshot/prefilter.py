"""Which experts of a version a search is about, in the two forms that its two indexes take."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

PHOTO = "photo"


def tag_label(tag: int) -> str:
    return f"tag:{tag}"


def category_label(name: str) -> str:
    return f"category:{name}"


def currency_label(code: str) -> str:
    """Only on experts who have a rate: it says in what."""
    return f"currency:{code}"


@dataclass(frozen=True, slots=True)
class KeywordConditions:
    """What the keyword index is asked beside the words. It has no use for a mask: see `KeywordIndex.search`."""

    labels: tuple[tuple[str, ...], ...] = ()
    """of each group an expert has one at least; nobody has one of an empty group"""
    rate: tuple[float | None, float | None] | None = None
    """from, to; both included, not both None"""


@dataclass(frozen=True, slots=True, eq=False)
class Prefilter:
    """The same experts twice: as a mask for the vectors, as conditions for the keyword index."""

    mask: NDArray[np.bool_]
    """bool[n] over the rows of the version"""
    conditions: KeywordConditions
    count: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", int(np.count_nonzero(self.mask)))
