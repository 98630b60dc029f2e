"""The report of the checks before publishing, as the run stores it, in words for a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from indexing.models import RebuildRun
from indexing.models.run_records import QueryRecord, VerdictRecord

RuleOutcome = Literal["passed", "warning", "breach"]
Formatter = Callable[[float], str]

PLACES = 10
"""How many of a search test's results are shown, before and after: the overlap is measured over as many."""
QUERIES_AT_A_GLANCE = 20
"""How many queries a live page lists: the report is sent again with every change."""


@dataclass(frozen=True, slots=True)
class RuleRow:
    name: str
    outcome: RuleOutcome
    sentence: str
    value: str
    """empty where the check did not apply"""
    limit: str

    @property
    def outcome_label(self) -> str:
        return {"passed": _("passed"), "warning": _("warning"), "breach": _("failed")}[self.outcome]


@dataclass(frozen=True, slots=True)
class NameList:
    names: tuple[str, ...]
    """The first names, in order."""
    count: int
    """How many names there are, including those that are not listed."""

    @property
    def more(self) -> int:
        return self.count - len(self.names)


@dataclass(frozen=True, slots=True)
class RankedName:
    """One username in a list of results."""

    username: str
    only_here: bool
    """Whether the other version's list lacks it."""


@dataclass(frozen=True, slots=True)
class QueryRow:
    text: str
    k: int
    missing: tuple[str, ...]
    before: tuple[RankedName, ...]
    after: tuple[RankedName, ...]
    unwanted: tuple[str, ...]
    percent: int | None
    """Percentage of the live version's first ten that are still among the first ten; None without any."""

    @property
    def missing_names(self) -> str:
        return ", ".join(self.missing)

    @property
    def unwanted_names(self) -> str:
        return ", ".join(self.unwanted)

    @property
    def order(self) -> tuple[bool, int]:
        return (not (self.missing or self.unwanted), 100 if self.percent is None else self.percent)


@dataclass(frozen=True, slots=True)
class GateReport:
    passed: bool
    compared_with: int | None
    """Number of the version that was live; None if there was nothing to compare with."""
    rules: tuple[RuleRow, ...]
    lost: NameList
    gained: NameList
    queries: tuple[QueryRow, ...]
    queries_more: int

    @property
    def breaches(self) -> int:
        return sum(rule.outcome == "breach" for rule in self.rules)


def report_of(run: RebuildRun | None, *, at_a_glance: bool = False) -> GateReport | None:
    """The run's gate report; None if it has none: the run is of another kind, is active, or ended before the checks.

    Queries that changed most come first; `at_a_glance` keeps only the first QUERIES_AT_A_GLANCE.
    """
    record = run.gate_record if run else None
    if record is None:
        return None
    queries = sorted(map(_query, record.queries), key=lambda query: query.order)
    shown = tuple(queries[:QUERIES_AT_A_GLANCE] if at_a_glance else queries)
    return GateReport(
        passed=record.passed,
        compared_with=record.live_number,
        rules=tuple(_rule(verdict) for verdict in record.verdicts),
        lost=NameList(record.lost, record.lost_count),
        gained=NameList(record.gained, record.gained_count),
        queries=shown,
        queries_more=record.queries_count - len(shown),
    )


def _share(value: float) -> str:
    share = round(value * 100, 1)
    return _("%(share)s %%") % {"share": localize(int(share) if share == int(share) else share)}


def _count(value: float) -> str:
    return str(intcomma(int(value)))


_AT_MOST, _AT_LEAST = gettext_lazy("at most %(limit)s"), gettext_lazy("at least %(limit)s")
_RULES: dict[str, tuple[Any, Formatter, Any]] = {
    "experts_lost": (gettext_lazy("Experts removed"), _share, _AT_MOST),
    "minimum_count": (gettext_lazy("Number of experts"), _count, _AT_LEAST),
    "without_text": (gettext_lazy("Profiles without text"), _share, _AT_MOST),
    "failed_encodings": (gettext_lazy("Profiles that could not be processed"), _share, _AT_MOST),
    "recall": (gettext_lazy("Accuracy of search by meaning"), _share, _AT_LEAST),
    "queries_broken": (gettext_lazy("Search tests that fail"), _count, _AT_MOST),
    "queries_score": (gettext_lazy("Loss of search test score"), _share, _AT_MOST),
    "queries_overlap": (gettext_lazy("Similarity of search test results"), _share, _AT_LEAST),
}
"""Rule of the gate -> its name, how its figures are shown, and which side of the limit is the good one."""


def _rule(verdict: VerdictRecord) -> RuleRow:
    # A row outlives the release that wrote it: a rule that no longer exists is shown as it is stored.
    name, show, bound = _RULES.get(verdict.rule, (verdict.rule, localize, "%(limit)s"))
    outcome: RuleOutcome = "passed" if verdict.passed else "warning" if verdict.warning else "breach"
    return RuleRow(
        name=str(name),
        outcome=outcome,
        sentence=verdict.text,
        value="" if verdict.value is None else show(verdict.value),
        limit=bound % {"limit": show(verdict.limit)},
    )


def _query(record: QueryRecord) -> QueryRow:
    before, after = record.before, record.after
    return QueryRow(
        text=record.text,
        k=record.k,
        missing=record.missing,
        unwanted=record.unwanted,
        before=tuple(RankedName(name, name not in after) for name in before[:PLACES]),
        after=tuple(RankedName(name, name not in before) for name in after[:PLACES]),
        percent=None if record.overlap is None else round(record.overlap * 100),
    )
