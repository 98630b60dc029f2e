"""A search's filters, compiled for one version: in the two forms that its vector and keyword index need.

Filters are applied inside the search (pre-filtering), so `k` results come back if `k` experts pass them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

PHOTO = "photo"
"""The label of experts who have a photo."""


def tag_label(tag: int) -> str:
    """The label of experts who have the tag with this id."""
    return f"tag:{tag}"


def category_label(name: str) -> str:
    """The label of experts in this category."""
    return f"category:{name}"


def currency_label(code: str) -> str:
    """Only set on experts who have a rate: the currency of that rate."""
    return f"currency:{code}"


def country_label(code: str) -> str:
    """The label of experts in the country with this ISO code."""
    return f"country:{code}"


def city_label(folded_name: str) -> str:
    """The label of experts in this city."""
    return f"city:{folded_name}"


def language_label(code: str) -> str:
    """The label of experts who speak the language with this ISO code."""
    return f"language:{code}"


@dataclass(frozen=True, slots=True)
class KeywordConditions:
    """The filters as terms of the keyword index, which cannot use a mask: see `KeywordIndex.search`."""

    labels: tuple[tuple[str, ...], ...] = ()
    """An expert must have at least one label of each group; an empty group excludes everybody."""
    rate: tuple[float | None, float | None] | None = None
    """Lowest and highest rate, both included; at most one of them is None."""
    available_by: int | None = None
    """The last day from which on an expert may become available, in days since 1970."""
    phrases: tuple[str, ...] = ()
    """An expert's profile must have all of them."""
    excluded: tuple[str, ...] = ()
    """An expert's profile must have none of these words and phrases."""


@dataclass(frozen=True, slots=True, eq=False)
class Prefilter:
    """The experts that pass, twice: as a mask for the vectors, as conditions for the keyword index."""

    mask: NDArray[np.bool_]
    """bool[n] over the rows of the version."""
    conditions: KeywordConditions
    count: int = field(init=False)
    """How many experts pass."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", int(np.count_nonzero(self.mask)))
