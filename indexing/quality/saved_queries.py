"""All saved queries, asked of two versions."""

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
class Expected:
    """Somebody whom a query must find, and at which rank each version does, among the first k; None where not."""

    username: str
    a: int | None
    b: int | None


@dataclass(frozen=True, slots=True)
class QueryRun:
    query: str
    k: int
    expected: tuple[Expected, ...]
    a: tuple[str, ...]
    """usernames of the first k hits, best first"""
    b: tuple[str, ...]
    overlap: float | None
    """overlap@10: share of the first ten of a that are among the first ten of b; None where a finds nobody"""

    @property
    def missing_in_a(self) -> int:
        return sum(each.a is None for each in self.expected)

    @property
    def missing_in_b(self) -> int:
        return sum(each.b is None for each in self.expected)

    @property
    def moved(self) -> bool:
        """Whether the first k are others, or in another order."""
        return self.a != self.b

    @property
    def came(self) -> tuple[str, ...]:
        return tuple(username for username in self.b if username not in self.a)

    @property
    def gone(self) -> tuple[str, ...]:
        return tuple(username for username in self.a if username not in self.b)

    @property
    def worse(self) -> bool:
        return self.missing_in_b > self.missing_in_a


@dataclass(frozen=True, slots=True)
class Total:
    """Of one version."""

    found: int
    """expected experts among the first k"""
    missing: int
    broken: int
    """queries that miss somebody: what the gate counts"""

    @property
    def expected(self) -> int:
        return self.found + self.missing


@dataclass(frozen=True, slots=True)
class SavedRun:
    a: int
    b: int
    queries: tuple[QueryRun, ...]
    """by their text"""

    @property
    def total_a(self) -> Total:
        return _total([(len(query.expected), query.missing_in_a) for query in self.queries])

    @property
    def total_b(self) -> Total:
        return _total([(len(query.expected), query.missing_in_b) for query in self.queries])

    @property
    def overlap(self) -> float | None:
        """The mean over the queries that have one."""
        known = [query.overlap for query in self.queries if query.overlap is not None]
        return fmean(known) if known else None

    def as_dict(self) -> dict[str, Any]:
        totals = {"a": asdict(self.total_a), "b": asdict(self.total_b), "overlap": self.overlap}
        return asdict(self) | {"totals": totals}


def run(a: IndexVersion, b: IndexVersion) -> SavedRun:
    """Ask the active saved queries of both, in the mode that the gate asks them in.

    Raises SnapshotInvalid, and EncoderUnavailable where a version is of another model: half a table compares nothing.
    """
    expected = Prefetch("expected", Expert.objects.active().order_by("username"), to_attr="wanted")
    queries = list(SavedQuery.objects.filter(is_active=True).prefetch_related(expected))
    first, second = open_versions.opened(a), open_versions.opened(b)
    return SavedRun(a.number, b.number, tuple(_ask(query, first, second) for query in queries))


def _ask(query: SavedQuery, a: Snapshot, b: Snapshot) -> QueryRun:
    wanted: list[Expert] = query.wanted  # type: ignore[attr-defined]  # by the prefetch
    before = _found(query, a)
    after = before if b is a else _found(query, b)
    first, second = before[: query.k], after[: query.k]
    return QueryRun(
        query=query.text,
        k=query.k,
        expected=tuple(
            Expected(each.username, _rank(each.username, first), _rank(each.username, second)) for each in wanted
        ),
        a=tuple(first),
        b=tuple(second),
        overlap=overlap(before, after),
    )


def _found(query: SavedQuery, snapshot: Snapshot) -> list[str]:
    results = search(query.text, snapshot, max(query.k, OVERLAP_AT), Mode.HYBRID)
    return [hit.expert.username for hit in results.hits]


def _rank(username: str, found: Sequence[str]) -> int | None:
    return found.index(username) + 1 if username in found else None


def _total(queries: list[tuple[int, int]]) -> Total:
    missing = sum(missed for _expected, missed in queries)
    return Total(
        found=sum(expected for expected, _missed in queries) - missing,
        missing=missing,
        broken=sum(missed > 0 for _expected, missed in queries),
    )
