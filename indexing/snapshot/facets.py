"""The columns that experts are filtered and counted by without the database: rate, category, tags, photo, place."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experts.profiles.records import ExpertRecord
from indexing.snapshot.places import PlaceColumns
from indexing.snapshot.prefilter import PHOTO, category_label, currency_label, tag_label
from indexing.snapshot.value_lists import entries_of

STORED = ("rate", "currency", "category", "categories", "has_photo", "tag_starts", "tag_ids")


class FilteredBy(NamedTuple):
    """What searches filter one expert by."""

    labels: tuple[str, ...]
    """see `indexing.snapshot.prefilter`"""
    rate: float | None
    """in the expert's own currency; None if none is given"""
    available: int | None
    """from which day on, in days since 1970; None if that is not known"""


@dataclass(frozen=True, slots=True, eq=False)
class FacetColumns:
    """Columns over the n experts of a version, in the order of its ids.

    The first eight are stored; the others are derived when it is made, so that counts over everybody cost nothing.
    """

    rate: NDArray[np.float64]
    """[n]: hourly rate in the expert's own currency; NaN if none is given."""
    currency: NDArray[np.str_]
    """[n]: ISO code, or empty."""
    category: NDArray[np.int32]
    """[n]: index into `categories`."""
    categories: NDArray[np.str_]
    """The names of all categories, rising; the empty one if somebody has none."""
    has_photo: NDArray[np.bool_]
    """[n]"""
    tag_starts: NDArray[np.int64]
    """[n + 1]: the tags of row i are tag_ids[tag_starts[i]:tag_starts[i + 1]]."""
    tag_ids: NDArray[np.int64]
    """The tag ids of all rows, one row after another."""
    places: PlaceColumns | None = None
    """Where they are, what they speak and from when they are available; None in versions of earlier releases."""
    codes: NDArray[np.str_] = field(init=False)
    """All currencies, rising; the empty one if somebody has none."""
    code: NDArray[np.int64] = field(init=False)
    """[n]: index into `codes`."""
    tags: NDArray[np.int64] = field(init=False)
    """[t]: the ids of all tags that somebody has, rising."""
    rows_by_tag: NDArray[np.int64] = field(init=False)
    """The rows that have each tag, one tag after another."""
    by_tag_starts: NDArray[np.int64] = field(init=False)
    """[t + 1]: the rows that have tags[i], rising, are rows_by_tag[by_tag_starts[i]:by_tag_starts[i + 1]]."""
    totals: dict[str, dict[Any, int]] = field(init=False)
    """What `category_counts`, `currency_counts` and `tag_counts` return for everybody: no search counts it again."""

    def __post_init__(self) -> None:
        codes, code = np.unique(self.currency, return_inverse=True)
        tags, tag = np.unique(self.tag_ids, return_inverse=True)
        small = tag.astype(np.uint16) if len(tags) <= 1 << 16 else tag  # numpy sorts these by radix: 15 times faster
        starts = np.zeros(len(tags) + 1, np.int64)
        np.cumsum(np.bincount(tag, minlength=len(tags)), out=starts[1:])
        derived = {
            "codes": codes,
            "code": code,
            "tags": tags,
            "by_tag_starts": starts,
            "rows_by_tag": self.tag_rows()[np.argsort(small, kind="stable")],
        }
        for name, values in derived.items():
            object.__setattr__(self, name, values)
        totals = {
            "category": self._category_counts(self.category),
            "currency": self._currency_counts(self.code, self.rate),
            "tag": dict(zip(self.tags.tolist(), np.diff(self.by_tag_starts).tolist(), strict=True)),
        }
        object.__setattr__(self, "totals", totals)

    @classmethod
    def from_records(cls, experts: Sequence[ExpertRecord], tags: Mapping[int, Sequence[int]]) -> FacetColumns:
        """The columns of `experts`, in their order. `tags` maps expert ids to tag ids; no key: no tags."""
        same: dict[str, str] = {}  # a text that many have is kept once
        rates, photos, had, counts = array("d"), bytearray(), array("q"), array("q")
        columns: tuple[list[str], ...] = ([], [], [], [], [])
        available: list[date | None] = []
        for each in experts:  # once: they may have to be read from a file
            rates.append(np.nan if each.hourly_rate is None else float(each.hourly_rate))
            photos.append(each.has_photo)
            values = (each.currency, each.category, each.city, each.country, each.languages)
            for column, value in zip(columns, values, strict=True):
                column.append(same.setdefault(value, value))
            available.append(each.available_from)
            had.extend(of_expert := tags.get(each.id, ()))
            counts.append(len(of_expert))
        currencies, categories, cities, countries, languages = columns
        names = sorted(set(categories))
        number = {name: position for position, name in enumerate(names)}
        starts = np.zeros(len(experts) + 1, np.int64)
        np.cumsum(counts, out=starts[1:])
        return cls(
            rate=np.array(rates, np.float64),
            currency=np.array(currencies, np.str_),
            category=np.fromiter((number[name] for name in categories), np.int32, len(categories)),
            categories=np.array(names, np.str_),
            has_photo=np.frombuffer(photos, np.bool_),
            tag_starts=starts,
            tag_ids=np.array(had, np.int64),
            places=PlaceColumns.from_columns(cities, countries, languages, available),
        )

    def __len__(self) -> int:
        return len(self.rate)

    def save(self, path: Path) -> None:
        """Write the stored columns as an .npz file. Raises OSError."""
        stored: dict[str, Any] = {name: getattr(self, name) for name in STORED}
        np.savez(path, **stored, **(self.places.arrays() if self.places else {}))

    @classmethod
    def load(cls, path: Path) -> FacetColumns:
        """Read what `save` wrote. Raises KeyError, ValueError or OSError if the file is anything else."""
        with np.load(path, allow_pickle=False) as columns:
            stored = {name: columns[name] for name in STORED}
            n = len(stored["rate"])
            places = PlaceColumns.from_arrays(columns, n)
        lengths = {len(stored[name]) for name in ("currency", "category", "has_photo")} | {
            len(stored["tag_starts"]) - 1
        }
        if lengths != {n} or stored["tag_starts"][-1] != len(stored["tag_ids"]):
            raise ValueError(f"columns of different lengths: {sorted(lengths | {n})}")
        facets = cls(**stored, places=places)
        if n and not (facets.category.min() >= 0 and facets.category.max() < len(facets.categories)):
            raise ValueError("a category without a name")
        return facets

    def category_counts(self, rows: NDArray[np.int64] | None = None) -> dict[str, int]:
        """Category -> how many of `rows` (int64[m]; all by default) have it, largest first, without the empty one."""
        return self.totals["category"] if rows is None else self._category_counts(self.category[rows])

    def currency_counts(self, rows: NDArray[np.int64] | None = None) -> dict[str, int]:
        """Currency -> how many of `rows` (int64[m]; all by default) have a rate in it, largest first.

        Without the empty currency, and without currencies that nobody has a rate in.
        """
        return self.totals["currency"] if rows is None else self._currency_counts(self.code[rows], self.rate[rows])

    def tag_counts(self, rows: NDArray[np.int64] | None = None) -> dict[int, int]:
        """Tag id -> how many of `rows` (int64[m]; all by default) have it, without tags that nobody has."""
        if rows is None:
            return self.totals["tag"]
        tags, counts = np.unique(self.tag_ids[entries_of(self.tag_starts, rows)], return_counts=True)
        return dict(zip(tags.tolist(), counts.tolist(), strict=True))

    def having(self, tags: Sequence[int]) -> NDArray[np.bool_]:
        """bool[n]: which rows have at least one of the tags."""
        mask = np.zeros(len(self), np.bool_)
        for place in np.flatnonzero(np.isin(self.tags, tags)):
            mask[self.rows_by_tag[self.by_tag_starts[place] : self.by_tag_starts[place + 1]]] = True
        return mask

    def tag_rows(self) -> NDArray[np.int64]:
        """int64[t]: for each of the t entries of `tag_ids`, the row of the expert who has that tag."""
        return np.repeat(np.arange(len(self)), np.diff(self.tag_starts))

    def filtered_by(self, first: int, last: int) -> Iterator[FilteredBy]:
        """What each row is filtered by, from `first` to before `last`: many at once, which is ten times as fast as
        one by one."""
        some = slice(first, last)
        starts = self.tag_starts[first : last + 1]
        tags = [tag_label(tag) for tag in self.tag_ids[starts[0] : starts[-1]].tolist()]
        ends = (starts - starts[0]).tolist()
        places: Iterable[tuple[str, ...]] = self.places.labels(first, last) if self.places else repeat(())
        days: Iterable[int | None] = self.places.days(first, last) if self.places else repeat(None)
        for start, end, category, photo, currency, rate, others, day in zip(
            ends,
            ends[1:],
            self.categories[self.category[some]].tolist(),
            self.has_photo[some].tolist(),
            self.currency[some].tolist(),
            self.rate[some].tolist(),
            places,
            days,
            strict=False,
        ):
            has_rate = rate == rate  # not NaN
            labels = (
                *tags[start:end],
                *([category_label(category)] if category else []),
                *([PHOTO] if photo else []),
                *([currency_label(currency)] if has_rate else []),
                *others,
            )
            yield FilteredBy(labels, rate if has_rate else None, day)

    def _category_counts(self, categories: NDArray[np.int32]) -> dict[str, int]:
        return _counted(self.categories, np.bincount(categories, minlength=len(self.categories)))

    def _currency_counts(self, code: NDArray[np.int64], rate: NDArray[np.float64]) -> dict[str, int]:
        counts = np.bincount(code[~np.isnan(rate)], minlength=len(self.codes))
        return _counted(self.codes[counts > 0], counts[counts > 0])


def _counted(names: NDArray[np.str_], counts: NDArray[np.int64]) -> dict[str, int]:
    named = [(str(name), int(count)) for name, count in zip(names, counts, strict=True) if name]
    return dict(sorted(named, key=lambda pair: (-pair[1], pair[0])))
