"""What experts are filtered and counted by, without the database: rate, category, tags, photo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experts.profile import ExpertRecord
from indexing.snapshot.selection import PHOTO, category_label, currency_label, tag_label


@dataclass(frozen=True, slots=True)
class Facets:
    """Columns in the order of the version's ids, n experts."""

    rate: NDArray[np.float64]
    """Hourly rate[n] in the expert's own currency; NaN where none is given."""
    currency: NDArray[np.str_]
    category: NDArray[np.int32]
    """Index[n] into `categories`."""
    categories: NDArray[np.str_]
    has_photo: NDArray[np.bool_]
    tag_starts: NDArray[np.int64]
    """[n + 1]: the tags of row i are tag_ids[tag_starts[i]:tag_starts[i + 1]]."""
    tag_ids: NDArray[np.int64]

    @classmethod
    def of(cls, experts: Sequence[ExpertRecord], tags: Mapping[int, Sequence[int]]) -> Facets:
        """`tags` maps expert ids to tag ids; an expert without a key has none."""
        names = sorted({expert.category for expert in experts})
        number = {name: position for position, name in enumerate(names)}
        per_expert = [tags.get(expert.id, ()) for expert in experts]
        starts = np.zeros(len(experts) + 1, np.int64)
        np.cumsum([len(each) for each in per_expert], out=starts[1:])
        return cls(
            rate=np.array(
                [np.nan if expert.hourly_rate is None else float(expert.hourly_rate) for expert in experts],
                np.float64,
            ),
            currency=np.array([expert.currency for expert in experts], np.str_),
            category=np.array([number[expert.category] for expert in experts], np.int32),
            categories=np.array(names, np.str_),
            has_photo=np.array([expert.has_photo for expert in experts], np.bool_),
            tag_starts=starts,
            tag_ids=np.array([tag for each in per_expert for tag in each], np.int64),
        )

    def __len__(self) -> int:
        return len(self.rate)

    def save(self, path: Path) -> None:
        np.savez(path, **{name: getattr(self, name) for name in self.__slots__})

    @classmethod
    def load(cls, path: Path) -> Facets:
        """Raises KeyError, ValueError or OSError when the file is not one of these."""
        with np.load(path, allow_pickle=False) as columns:
            facets = cls(**{name: columns[name] for name in cls.__slots__})
        n = len(facets.rate)
        lengths = {len(facets.currency), len(facets.category), len(facets.has_photo), len(facets.tag_starts) - 1}
        if lengths != {n} or facets.tag_starts[-1] != len(facets.tag_ids):
            raise ValueError(f"columns of different lengths: {sorted(lengths | {n})}")
        if n and not (facets.category.min() >= 0 and facets.category.max() < len(facets.categories)):
            raise ValueError("a category without a name")
        return facets

    def category_counts(self) -> dict[str, int]:
        """Category to how many experts have it, largest first; the empty name is left out."""
        counts = np.bincount(self.category, minlength=len(self.categories))
        named = [(str(name), int(count)) for name, count in zip(self.categories, counts, strict=True) if name]
        return dict(sorted(named, key=lambda pair: (-pair[1], pair[0])))

    def tag_counts(self) -> dict[int, int]:
        """Tag id to how many experts have it."""
        tags, counts = np.unique(self.tag_ids, return_counts=True)
        return {int(tag): int(count) for tag, count in zip(tags, counts, strict=True)}

    def tag_rows(self) -> NDArray[np.int64]:
        """The row of the expert who has it, for each of `tag_ids`."""
        return np.repeat(np.arange(len(self)), np.diff(self.tag_starts))

    def currency_counts(self) -> dict[str, int]:
        """Currency to how many experts have a rate in it, most first."""
        codes, counts = np.unique(self.currency[~np.isnan(self.rate)], return_counts=True)
        named = [(str(code), int(count)) for code, count in zip(codes, counts, strict=True) if code]
        return dict(sorted(named, key=lambda pair: (-pair[1], pair[0])))

    def labels_of_row(self, row: int) -> tuple[str, ...]:
        """What the keyword index is to know of the row besides its words."""
        category = str(self.categories[self.category[row]])
        return (
            *map(tag_label, self.tags_of_row(row)),
            *([category_label(category)] if category else []),
            *([PHOTO] if self.has_photo[row] else []),
            *([currency_label(str(self.currency[row]))] if self.rate_of_row(row) is not None else []),
        )

    def rate_of_row(self, row: int) -> float | None:
        rate = float(self.rate[row])
        return None if np.isnan(rate) else rate

    def tags_of_row(self, row: int) -> tuple[int, ...]:
        return tuple(self.tag_ids[self.tag_starts[row] : self.tag_starts[row + 1]].tolist())
