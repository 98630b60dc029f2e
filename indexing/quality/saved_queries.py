"""Run all saved queries on two versions and compare what they find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from django.db.models import Prefetch

from experts.models import Expert
from indexing.models import IndexVersion, SavedQuery
from indexing.quality.overlap import OVERLAP_AT, overlap
from indexing.search import Mode, search
from indexing.serving import open_versions
from indexing.snapshot.reader import Snapshot


@dataclass(frozen=True, slots=True)
class ExpectedRanks:
    """An expert that a query must find, and their rank in each version, from 1."""

    username: str
    a: int | None
    """None: not among the first k"""
    b: int | None


@dataclass(frozen=True, slots=True)
class QueryComparison:
    query: str
    k: int
    expected: tuple[ExpectedRanks, ...]
    a: tuple[str, ...]
    """usernames of the first k hits, best first"""
    b: tuple[str, ...]
    overlap: float | None
    """overlap@10, 0 to 1; None if version a finds nobody"""

    @property
    def missing_in_a(self) -> int:
        return sum(each.a is None for each in self.expected)

    @property
    def missing_in_b(self) -> int:
        return sum(each.b is None for each in self.expected)

    @property
    def moved(self) -> bool:
        """Whether the first k hits differ, or their order does."""
        return self.a != self.b

    @property
    def added(self) -> tuple[str, ...]:
        """Usernames that only version b has among its first k."""
        return tuple(username for username in self.b if username not in self.a)

    @property
    def removed(self) -> tuple[str, ...]:
        """Usernames that only version a has among its first k."""
        return tuple(username for username in self.a if username not in self.b)


@dataclass(frozen=True, slots=True)
class VersionTotal:
    """Over all queries, for one version."""

    found: int
    """expected experts among the first k"""
    missing: int
    broken: int
    """queries that miss an expected expert: the number that the gate looks at"""

    @property
    def expected(self) -> int:
        return self.found + self.missing


@dataclass(frozen=True, slots=True)
class SavedQueryComparison:
    a: int
    """number of the version"""
    b: int
    queries: tuple[QueryComparison, ...]
    """ordered by their text"""

    @property
    def total_a(self) -> VersionTotal:
        return _total([(len(query.expected), query.missing_in_a) for query in self.queries])

    @property
    def total_b(self) -> VersionTotal:
        return _total([(len(query.expected), query.missing_in_b) for query in self.queries])

    @property
    def overlap(self) -> float | None:
        """The mean over the queries that have an overlap; None without any."""
        known = [query.overlap for query in self.queries if query.overlap is not None]
        return fmean(known) if known else None

    def as_dict(self) -> dict[str, Any]:
        """The comparison as the API sends it."""
        totals = {"a": asdict(self.total_a), "b": asdict(self.total_b), "overlap": self.overlap}
        return asdict(self) | {"totals": totals}


def compare_versions(a: IndexVersion, b: IndexVersion) -> SavedQueryComparison:
    """Run the active saved queries on both versions, in the mode that the gate uses.

    Raises SnapshotInvalid if a version cannot be opened, and EncoderUnavailable if one was built with another model:
    half a table would compare nothing.
    """
    active = Prefetch("expected", Expert.objects.active().order_by("username"))
    queries = list(SavedQuery.objects.filter(is_active=True).prefetch_related(active))
    first, second = open_versions.open_version(a), open_versions.open_version(b)
    return SavedQueryComparison(a.number, b.number, tuple(_compare_query(query, first, second) for query in queries))


def _compare_query(query: SavedQuery, a: Snapshot, b: Snapshot) -> QueryComparison:
    before = _usernames(query, a)
    after = before if b is a else _usernames(query, b)
    first, second = before[: query.k], after[: query.k]
    return QueryComparison(
        query=query.text,
        k=query.k,
        expected=tuple(
            ExpectedRanks(each.username, _rank(each.username, first), _rank(each.username, second))
            for each in query.expected.all()  # prefetched: the active ones
        ),
        a=tuple(first),
        b=tuple(second),
        overlap=overlap(before, after),
    )


def _usernames(query: SavedQuery, snapshot: Snapshot) -> list[str]:
    """The usernames of the query's hits, best first, as many as the query or the overlap needs."""
    results = search(query.text, snapshot, max(query.k, OVERLAP_AT), Mode.HYBRID)
    return [hit.expert.username for hit in results.hits]


def _rank(username: str, usernames: Sequence[str]) -> int | None:
    return usernames.index(username) + 1 if username in usernames else None


def _total(queries: list[tuple[int, int]]) -> VersionTotal:
    """The totals over (expected, missing), the counts of experts for each query."""
    missing = sum(missed for _expected, missed in queries)
    return VersionTotal(
        found=sum(expected for expected, _missed in queries) - missing,
        missing=missing,
        broken=sum(missed > 0 for _expected, missed in queries),
    )
