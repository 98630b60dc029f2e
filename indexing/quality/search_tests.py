"""Run all search tests on two versions and compare what they find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, Literal

from django.db.models import Prefetch

from experts.models import Expert
from indexing.errors import QueriesInvalid
from indexing.lib.messages import message
from indexing.models import IndexVersion, SearchTest
from indexing.models.search_tests import UNWANTED_WITHIN
from indexing.quality.evaluation import JudgedQuery
from indexing.quality.overlap import OVERLAP_AT, overlap
from indexing.quality.search_test_scores import judge, mean_score
from indexing.search import Mode, search
from indexing.serving import open_versions
from indexing.snapshot.reader import Snapshot


@dataclass(frozen=True, slots=True)
class ExpectedRanks:
    """An expert of a search test, and their rank in each version, from 1."""

    username: str
    a: int | None
    """None: not among the first k; of an expert who is not expected: not among the first UNWANTED_WITHIN"""
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
    unwanted: tuple[ExpectedRanks, ...] = ()
    """experts who are not expected: a rank is bad"""
    score_a: float | None = None
    """nDCG@10, 0 to 1; None if nobody is expected"""
    score_b: float | None = None

    @property
    def people(self) -> list[tuple[bool, ExpectedRanks]]:
        """Everybody that the test names, each with whether they are expected."""
        return [*((True, each) for each in self.expected), *((False, each) for each in self.unwanted)]

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
    unwanted: int
    """experts marked as bad among the first UNWANTED_WITHIN"""
    broken: int
    """tests that fail: the number that the gate looks at"""
    score: float | None
    """the mean nDCG@10, 0 to 1; None if no test expects anybody"""

    @property
    def expected(self) -> int:
        return self.found + self.missing


@dataclass(frozen=True, slots=True)
class SearchTestComparison:
    a: int
    """number of the version"""
    b: int
    queries: tuple[QueryComparison, ...]
    """ordered by their text"""

    @property
    def total_a(self) -> VersionTotal:
        return _total(self.queries, "a")

    @property
    def total_b(self) -> VersionTotal:
        return _total(self.queries, "b")

    @property
    def overlap(self) -> float | None:
        """The mean over the queries that have an overlap; None without any."""
        known = [query.overlap for query in self.queries if query.overlap is not None]
        return fmean(known) if known else None

    def as_dict(self) -> dict[str, Any]:
        """The comparison as the API sends it."""
        totals = {"a": asdict(self.total_a), "b": asdict(self.total_b), "overlap": self.overlap}
        return asdict(self) | {"totals": totals}


def queries_of_search_tests() -> list[JudgedQuery]:
    """The active search tests as queries with the usernames that they expect. Raises QueriesInvalid without any."""
    tests = SearchTest.objects.filter(is_active=True, expected__isnull=False).distinct().prefetch_related("expected")
    queries = [JudgedQuery(test.text, tuple(each.username for each in test.expected.all())) for test in tests]
    if not queries:
        raise QueriesInvalid(
            message("There are no search tests that expect anybody. Name a file of queries, or add tests in the Lab.")
        )
    return queries


def compare_versions(a: IndexVersion, b: IndexVersion) -> SearchTestComparison:
    """Run the active search tests on both versions, in the mode that the gate uses.

    Raises SnapshotInvalid if a version cannot be opened, and EncoderUnavailable if one was built with another model:
    half a table would compare nothing.
    """
    return compare_snapshots(open_versions.open_version(a), open_versions.open_version(b))


def compare_snapshots(a: Snapshot, b: Snapshot) -> SearchTestComparison:
    """The same for versions that are open. Raises EncoderUnavailable."""
    active = Expert.objects.active().order_by("username")
    people = [Prefetch(name, active) for name in ("expected", "unwanted")]
    queries = SearchTest.objects.filter(is_active=True).prefetch_related(*people)
    return SearchTestComparison(a.number, b.number, tuple(_compare_query(query, a, b) for query in queries))


def _compare_query(query: SearchTest, a: Snapshot, b: Snapshot) -> QueryComparison:
    before = _usernames(query, a)
    after = before if b is a else _usernames(query, b)
    expected = [each.username for each in query.expected.all()]  # prefetched: the active ones
    unwanted = [each.username for each in query.unwanted.all()]
    first, second = (judge(ranked, query.k, expected, unwanted) for ranked in (before, after))
    return QueryComparison(
        query=query.text,
        k=query.k,
        expected=_ranks(expected, before[: query.k], after[: query.k]),
        a=tuple(before[: query.k]),
        b=tuple(after[: query.k]),
        overlap=overlap(before, after),
        unwanted=_ranks(unwanted, before[:UNWANTED_WITHIN], after[:UNWANTED_WITHIN]),
        score_a=first.score,
        score_b=second.score,
    )


def _usernames(query: SearchTest, snapshot: Snapshot) -> list[str]:
    """The usernames of the query's hits, best first, as many as the test or the overlap needs."""
    results = search(query.text, snapshot, max(query.k, OVERLAP_AT, UNWANTED_WITHIN), Mode.HYBRID)
    return [hit.expert.username for hit in results.hits]


def _ranks(people: Sequence[str], a: Sequence[str], b: Sequence[str]) -> tuple[ExpectedRanks, ...]:
    return tuple(ExpectedRanks(each, _rank(each, a), _rank(each, b)) for each in people)


def _rank(username: str, usernames: Sequence[str]) -> int | None:
    return usernames.index(username) + 1 if username in usernames else None


def _total(queries: Sequence[QueryComparison], side: Literal["a", "b"]) -> VersionTotal:
    ranks = [[getattr(each, side) for each in query.expected] for query in queries]
    shown = [sum(getattr(each, side) is not None for each in query.unwanted) for query in queries]
    missing = [sum(rank is None for rank in each) for each in ranks]
    return VersionTotal(
        found=sum(map(len, ranks)) - sum(missing),
        missing=sum(missing),
        unwanted=sum(shown),
        broken=sum(bool(lacks or bad) for lacks, bad in zip(missing, shown, strict=True)),
        score=mean_score(getattr(query, f"score_{side}") for query in queries),
    )
