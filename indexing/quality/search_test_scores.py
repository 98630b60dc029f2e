"""What a ranked list makes of a search test: who is missing, who should not be there, and how well it ranks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from indexing.models.search_tests import UNWANTED_WITHIN
from indexing.quality.evaluation import ndcg


@dataclass(frozen=True, slots=True)
class Judgement:
    missing: tuple[str, ...]
    """expected experts who are not among the first k"""
    unwanted: tuple[str, ...]
    """experts who should not be, but are, among the first UNWANTED_WITHIN"""
    score: float | None
    """nDCG@10, 0 to 1: 1 if all expected experts come first; None if nobody is expected"""

    @property
    def fails(self) -> bool:
        return bool(self.missing or self.unwanted)


def judge(ranked: Sequence[str], k: int, expected: Sequence[str], unwanted: Sequence[str]) -> Judgement:
    """Judge usernames, best first: at least max(k, UNWANTED_WITHIN) of them if there are as many.

    The score is `evaluation.ndcg` with the expected ones as relevant. Unwanted ones gain nothing, as everybody else,
    and push others down.
    """
    first, shown = ranked[:k], ranked[:UNWANTED_WITHIN]
    return Judgement(
        missing=tuple(each for each in expected if each not in first),
        unwanted=tuple(each for each in unwanted if each in shown),
        score=ndcg(ranked, frozenset(expected)) if expected else None,
    )


def mean_score(scores: Iterable[float | None]) -> float | None:
    """The mean of those that are known, 0 to 1; None without any."""
    known = [score for score in scores if score is not None]
    return fmean(known) if known else None
