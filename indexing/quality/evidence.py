"""What the gate judges a new version by."""

from __future__ import annotations

from dataclasses import dataclass

from indexing.models.run_records import QueryRecord, TestFigures
from indexing.quality.overlap import overlap as top_overlap
from indexing.quality.search_test_scores import mean_score


@dataclass(frozen=True, slots=True)
class QueryOutcome:
    """What one search test finds in the new version and in the live one."""

    text: str
    k: int
    missing: tuple[str, ...]
    """expected experts who are not among the first k, though the directory still has them"""
    before: tuple[str, ...]
    """usernames of the first hits of the live version, best first; empty without one"""
    after: tuple[str, ...]
    unwanted: tuple[str, ...] = ()
    """experts marked as bad who are among the first ten"""
    score: float | None = None
    """nDCG@10, 0 to 1, in the new version; None if nobody is expected"""
    score_before: float | None = None
    """the same in the live version; None without one that can be searched"""

    @property
    def fails(self) -> bool:
        return bool(self.missing or self.unwanted)

    @property
    def overlap(self) -> float | None:
        """Share of the live version's first ten that are still among the first ten; None without any."""
        return top_overlap(self.before, self.after)

    def as_record(self) -> QueryRecord:
        return QueryRecord(
            text=self.text,
            k=self.k,
            missing=self.missing,
            before=self.before,
            after=self.after,
            overlap=self.overlap,
            unwanted=self.unwanted,
            score=self.score,
            score_before=self.score_before,
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the rules judge: the new version, the live one, and the directory as it was read for the build."""

    experts: int
    live_number: int | None
    live_experts: int
    lost: tuple[str, ...]
    """experts in the live version who are not in the new one"""
    gained: tuple[str, ...]
    without_text: int
    failed: int
    recall: float | None
    """recall@10 of an approximate vector index; None where it is exact"""
    queries: tuple[QueryOutcome, ...] = ()

    @property
    def test_figures(self) -> TestFigures | None:
        """What the search tests make of the new version; None without any test."""
        if not self.queries:
            return None
        return TestFigures(
            tests=len(self.queries),
            failed=sum(query.fails for query in self.queries),
            score=mean_score(query.score for query in self.queries),
            compared_with=self.live_number,
            score_before=mean_score(query.score_before for query in self.queries),
        )
