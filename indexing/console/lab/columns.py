"""The columns of the Lab: what one version answers in one mode, and how the ranks differ between two columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Literal
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from experts.models import Expert
from indexing.console.search_modes import mode_label
from indexing.errors import MeaningUnavailable, SnapshotInvalid
from indexing.lib.translation import translated
from indexing.models import IndexVersion
from indexing.quality.overlap import RankChange, overlap, rank_changes
from indexing.search import Hit, Mode, Results, search
from indexing.search.highlights import Marker
from indexing.serving import open_versions
from indexing.snapshot.reader import Snapshot

HITS = 20

Mark = Literal["", "same", "gained", "up", "down", "lost", "elsewhere"]
"""How a hit's rank differs from the other column; `elsewhere`: at another rank there. Empty: nothing to compare."""


@dataclass(frozen=True, slots=True)
class LabHit:
    hit: Hit
    mark: Mark = ""
    other_rank: int | None = None
    """from 1, in the other column"""
    distance: int = 0
    """By how many ranks the hit differs between the two columns."""


@dataclass(frozen=True, slots=True)
class LabColumn:
    """The answer of one version in one mode, or the sentence that says why there is none."""

    version: IndexVersion
    mode: Mode
    results: Results | None = None
    problem: str = ""
    status: int = HTTPStatus.OK
    """of a page that shows this column alone"""
    needs_model: bool = False
    """Whether only the model is missing, so that a search by keywords would work."""
    hits: Sequence[LabHit] = field(default=())
    note: str = ""
    """what is different about the version, if anything"""
    marker: Marker | None = None
    """marks the words of the query that the version's keyword index knows"""

    @property
    def mode_label(self) -> str:
        return mode_label(self.mode)

    @property
    def where_pairs(self) -> list[tuple[str, str]]:
        """The parameters, (name, value), with which the page “Where is …?” explains this column."""
        query = self.results.query if self.results else ""
        return [("q", query), ("mode", self.mode), ("version", str(self.version.number))]

    @property
    def where_address(self) -> str:
        """The page with `where_pairs`."""
        return f"{reverse('where')}?{urlencode(self.where_pairs, errors='replace')}"

    @property
    def matches(self) -> int:
        """How many active experts match strongly."""
        return len(Expert.objects.active_among(self.results.matches.ids.tolist())) if self.results else 0

    @property
    def ids(self) -> list[int]:
        """The ids of the experts found, best first."""
        return [hit.expert.pk for hit in self.results.hits] if self.results else []

    @property
    def timings(self) -> list[tuple[str, float]]:
        """(label, milliseconds) of each step of the search, then of the whole search."""
        if self.results is None:
            return []
        labels = _step_labels()
        steps = [(labels.get(step, step), seconds * 1000) for step, seconds in self.results.timings.items()]
        return [*steps, (_("Total"), self.results.seconds * 1000)]


@dataclass(frozen=True, slots=True)
class LabComparison:
    """How the hits of the second column differ from those of the first."""

    overlap: float | None
    """share of the first column's top ten that are in the second one's; None if the first has no hits"""
    moved: int
    gained: int
    lost: int


def search_version(
    version: IndexVersion,
    mode: Mode,
    query: str,
    *,
    changed: Callable[[Snapshot], Snapshot] = lambda snapshot: snapshot,
    note: str = "",
) -> LabColumn:
    """Search one version; a version that cannot be searched gives a column with the reason.

    `changed` gives the version as it would be with some change, and `note` says with which.
    """
    try:
        snapshot = changed(open_versions.open_version(version))
        results = search(query, snapshot, HITS, mode)
    except MeaningUnavailable as error:
        return LabColumn(version, mode, problem=translated(error), status=error.status, needs_model=True, note=note)
    except SnapshotInvalid as error:
        return LabColumn(version, mode, problem=translated(error), status=error.status, note=note)
    hits = [LabHit(hit) for hit in results.hits]
    marker = Marker.from_query(query, snapshot.keywords)
    return LabColumn(version, mode, results, hits=hits, marker=marker, note=note)


def compared(before: LabColumn, after: LabColumn) -> tuple[LabColumn, LabColumn, LabComparison | None]:
    """Both columns with their hits marked, and the figures; unmarked and None if one of them has no answer."""
    if before.results is None or after.results is None:
        return before, after, None
    changes = rank_changes(after.ids, before.ids)
    gained = sum(change.mark == "only" for change in changes)
    comparison = LabComparison(
        overlap=overlap(before.ids, after.ids),
        moved=sum(change.moved != 0 for change in changes),
        gained=gained,
        lost=len(before.ids) - (len(after.ids) - gained),
    )
    reverse = rank_changes(before.ids, after.ids)
    return _marked(before, reverse, _MARKS_BEFORE), _marked(after, changes, _MARKS_AFTER), comparison


_MARKS_BEFORE: Mapping[str, Mark] = {"same": "same", "only": "lost", "up": "elsewhere", "down": "elsewhere"}
_MARKS_AFTER: Mapping[str, Mark] = {"same": "same", "only": "gained", "up": "up", "down": "down"}


def _marked(column: LabColumn, changes: Sequence[RankChange], marks: Mapping[str, Mark]) -> LabColumn:
    hits = [
        LabHit(each.hit, marks[change.mark], change.other_rank, change.distance)
        for each, change in zip(column.hits, changes, strict=True)
    ]
    return replace(column, hits=hits)


def _step_labels() -> dict[str, str]:
    """The names of `Results.timings` in words."""
    return {
        "encode": _("Encode the query"),
        "vectors": _("Search by meaning"),
        "keywords": _("Search by keywords"),
        "fuse": _("Combine the rankings"),
        "feedback": _("Add words of the first results"),
        "cards": _("Load the profiles"),
    }
