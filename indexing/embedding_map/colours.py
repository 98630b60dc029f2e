"""Colour the points of a map by what the directory says now: a class for each point, and the legend."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

import numpy as np
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from experts.models import Expert, ExpertTag, Tag
from experts.numbers import whole_number
from experts.profiles import findability
from indexing.embedding_map import reading, wire_format
from indexing.embedding_map.wire_format import VersionMap
from indexing.errors import IndexingError, NoMap, SnapshotInvalid
from indexing.lib.messages import message
from indexing.snapshot.lookup import find_rows
from indexing.versions.opening import read_ids

COLOURED = 12
"""The largest categories or industries get a colour of their own: nobody can distinguish more colours."""

DEFAULT = "category"
CATEGORY, INDUSTRY, FINDABILITY, TAG, SINCE = DEFAULT, "industry", "findability", "tag:", "since:"
CHUNK = 10_000
"""Rows read at once from the database."""
Classes = NDArray[np.uint8]
"""uint8[n]: the legend entry of each row of the map, or wire_format.GONE."""
Rows = NDArray[np.int64]
"""int64[m]: rows of the map."""


class UnknownColouring(IndexingError):
    """The map cannot be coloured by what was requested: an unknown name, or a tag or version that is gone."""

    status = HTTPStatus.BAD_REQUEST

    def __init__(self, by: str) -> None:
        super().__init__(message("The map cannot be coloured by “%(by)s”.", by=by[:80]))


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """One line of the legend."""

    number: int
    """The number of the class, from 1: 0 is wire_format.GONE."""
    colour: str
    """name of a colour in map.css: "1" to "12", or the meaning of the class, such as "none" """
    label: str
    count: int


@dataclass(frozen=True, slots=True, eq=False)
class Colouring:
    by: str
    title: str
    classes: Classes
    """uint8[n], in the order of the version's rows"""
    entries: tuple[LegendEntry, ...]

    @property
    def gone(self) -> int:
        """Experts of the version who were deleted or deactivated since."""
        return int(np.count_nonzero(self.classes == wire_format.GONE))


def colouring(drawn: VersionMap, by: str) -> Colouring:
    """Colour the map by one of `choices`. Raises UnknownColouring."""
    if by == CATEGORY:
        return _by_category(drawn)
    if by == INDUSTRY:
        return _by_industry(drawn)
    if by == FINDABILITY:
        return _by_findability(drawn)
    if by.startswith(TAG):
        return _by_tag(drawn, by)
    if by.startswith(SINCE):
        return _by_first_version(drawn, by)
    raise UnknownColouring(by)


def _by_category(drawn: VersionMap) -> Colouring:
    categories = Expert.objects.active().order_by().values_list("pk", "category").iterator(chunk_size=CHUNK)
    numbers: dict[str, int] = {}
    rows, coded = _on_map(drawn, ((pk, numbers.setdefault(name, len(numbers))) for pk, name in categories))
    return _by_name(
        drawn, CATEGORY, _("Category"), (rows, coded, list(numbers)), _("No category"), _("Other categories")
    )


def _by_industry(drawn: VersionMap) -> Colouring:
    """An expert with several industries counts for the one added manually, else for the one with the best score."""
    names = {0: ""} | dict(Tag.objects.filter(kind=Tag.Kind.INDUSTRY).order_by().values_list("pk", "name"))
    manual = ExpressionWrapper(Q(source=ExpertTag.Source.MANUAL), BooleanField())
    given = (
        ExpertTag.objects.filter(tag__kind=Tag.Kind.INDUSTRY)
        .order_by()
        .values_list("expert_id", "tag_id", manual, Coalesce("score", 0.0))
    )
    kinds = [("expert", np.int64), ("tag", np.int64), ("manual", np.bool_), ("score", np.float64)]
    tags = np.fromiter(given.iterator(chunk_size=CHUNK), kinds)
    tags = tags[np.lexsort((-tags["tag"], tags["score"], tags["manual"], tags["expert"]))]
    last = np.diff(tags["expert"], append=-1) != 0
    rows, known = drawn.rows_of(tags["expert"][last])
    chosen = np.zeros(len(drawn), np.int64)
    chosen[rows[known]] = tags["tag"][last][known]
    active = _active_rows(drawn)
    ids = np.array(sorted(names), np.int64)
    coded, _found = find_rows(ids, chosen[active])  # 0 for a tag that was added meanwhile
    of_code = [names[pk] for pk in sorted(names)]
    return _by_name(drawn, INDUSTRY, _("Industry"), (active, coded, of_code), _("No industry"), _("Other industries"))


def _by_findability(drawn: VersionMap) -> Colouring:
    scored = Expert.objects.active().with_findability().order_by().values_list("pk", "findability")  # type: ignore[misc]  # annotated
    rows, scores = _on_map(drawn, scored.iterator(chunk_size=CHUNK))
    numbers = {level: number for number, level in enumerate(findability.LEVELS, start=1)}
    classes = _all_gone(drawn)
    for level, (at_least, below) in findability.LEVELS.items():
        classes[rows[(scores >= at_least) & (scores < below)]] = numbers[level]
    low, high = findability.LOW_BELOW, findability.HIGH_FROM
    labels = {
        "low": _("low, below %s") % low,
        "medium": _("medium, %(low)s to %(high)s") % {"low": low, "high": high - 1},
        "high": _("high, from %s") % high,
    }
    entries = [(numbers[level], level, labels[level]) for level in reversed(findability.LEVELS)]
    return _counted(FINDABILITY, _("Findability"), classes, entries)


def _by_tag(drawn: VersionMap, by: str) -> Colouring:
    tag = Tag.objects.filter(pk=whole_number(by.removeprefix(TAG))).first()
    if tag is None:
        raise UnknownColouring(by)
    manual = ExpressionWrapper(Q(source=ExpertTag.Source.MANUAL), BooleanField())
    given = ExpertTag.objects.filter(tag=tag).order_by().values_list("expert_id", manual)
    rows, by_hand = _on_map(drawn, given.iterator(chunk_size=CHUNK))
    classes = _all_gone(drawn)
    classes[_active_rows(drawn)] = 3
    classes[rows] = np.where(classes[rows] == wire_format.GONE, wire_format.GONE, np.where(by_hand, 1, 2))
    entries = [
        (1, "manual", _("added manually")),
        (2, "auto", _("added automatically")),
        (3, "none", _("without this tag")),
    ]
    return _counted(by, str(tag), classes, entries)


def _by_first_version(drawn: VersionMap, by: str) -> Colouring:
    """Experts who were added since an earlier version that is still on disk."""
    number = whole_number(by.removeprefix(SINCE))
    try:
        known = read_ids(reading.get_version(number))
    except (NoMap, SnapshotInvalid) as error:
        raise UnknownColouring(by) from error
    classes = _all_gone(drawn)
    active = _active_rows(drawn)
    classes[active] = np.where(np.isin(drawn.ids[active], known), 2, 1)
    title = _("New since version %(number)s") % {"number": number}
    return _counted(by, title, classes, [(1, "new", _("new")), (2, "none", _("already there"))])


def _all_gone(drawn: VersionMap) -> Classes:
    return np.full(len(drawn), wire_format.GONE, np.uint8)


def _active_rows(drawn: VersionMap) -> Rows:
    active = Expert.objects.active().order_by().values_list("pk", flat=True).iterator(chunk_size=CHUNK)
    rows, known = drawn.rows_of(np.fromiter(active, np.int64))
    return rows[known]


def _on_map(drawn: VersionMap, pairs: Iterable[tuple[int, int]]) -> tuple[Rows, NDArray[np.int64]]:
    """Rows int64[m] and values int64[m] of those of the (expert id, value) `pairs` whose experts are on the map.

    The pairs are read into an array at once: lists of a million of them take some hundred megabytes.
    """
    found = np.fromiter(pairs, [("id", np.int64), ("value", np.int64)])
    rows, known = drawn.rows_of(found["id"])
    return rows[known], found["value"][known]


def _by_name(
    drawn: VersionMap,
    by: str,
    title: str,
    coded_names: tuple[Rows, NDArray[np.int64], list[str]],
    without: str,
    others: str,
) -> Colouring:
    """One class for each of the most frequent names, one for all other names, and one for the empty name.

    `coded_names`: rows int64[m], the index int64[m] of each row's name, and the names, all different.
    """
    rows, coded, names = coded_names
    counts = dict(zip(names, np.bincount(coded, minlength=len(names)).tolist(), strict=True))
    ordered = sorted((name for name in counts if name and counts[name]), key=lambda name: (-counts[name], name))
    largest = ordered[:COLOURED]
    numbers = {name: min(place, COLOURED + 1) for place, name in enumerate(ordered, start=1)} | {"": COLOURED + 2}
    classes = _all_gone(drawn)
    classes[rows] = np.array([numbers.get(name, wire_format.GONE) for name in names], np.uint8)[coded]
    entries = [(place, str(place), name) for place, name in enumerate(largest, start=1)]
    if len(ordered) > COLOURED:
        entries.append((COLOURED + 1, "other", others))
    if counts.get(""):
        entries.append((COLOURED + 2, "none", without))
    return _counted(by, title, classes, entries)


def _counted(by: str, title: str, classes: Classes, entries: Iterable[tuple[int, str, str]]) -> Colouring:
    """`entries`: (number, colour, label) of each line of the legend."""
    counts = np.bincount(classes, minlength=256)
    lines = tuple(LegendEntry(number, colour, label, int(counts[number])) for number, colour, label in entries)
    return Colouring(by, title, classes, lines)


def colour_choices(versions: Iterable[int]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What a map can be coloured by, as groups (title, [(by, label)]); `versions`: numbers of earlier versions."""
    plain = [(CATEGORY, _("Category")), (INDUSTRY, _("Industry")), (FINDABILITY, _("Findability"))]
    since = [(f"{SINCE}{number}", _("New since version %(number)s") % {"number": number}) for number in versions]
    groups = [(_("All experts"), plain + since)]
    for kind, label in ((Tag.Kind.INDUSTRY, _("One industry")), (Tag.Kind.DOMAIN, _("One tag"))):
        tags = [(f"{TAG}{tag.pk}", str(tag)) for tag in Tag.objects.filter(kind=kind)]
        if tags:
            groups.append((label, tags))
    return groups
