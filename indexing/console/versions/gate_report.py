"""The gate's report of a run, as its row keeps it, in words for a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from indexing.models import RebuildRun

Outcome = Literal["passed", "warning", "breach"]
Showing = Callable[[float], str]

PLACES = 10
"""Of a saved query's hits, before and after: as many as the overlap is measured over."""
QUERIES_AT_A_GLANCE = 20
"""Where the report is sent anew with every change of the page."""


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    outcome: Outcome
    sentence: str
    value: str
    """empty where the rule had nothing to judge"""
    limit: str


@dataclass(frozen=True, slots=True)
class People:
    names: tuple[str, ...]
    """the first ones, in order"""
    count: int
    """all of them"""

    @property
    def more(self) -> int:
        return self.count - len(self.names)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list of hits."""

    username: str
    only_here: bool
    """the other version does not have it among its own"""


@dataclass(frozen=True, slots=True)
class Query:
    text: str
    k: int
    missing: tuple[str, ...]
    before: tuple[Place, ...]
    after: tuple[Place, ...]
    percent: int | None
    """of the live version's first ten that are still among the first ten; None without any"""

    @property
    def order(self) -> tuple[bool, int]:
        return (not self.missing, 100 if self.percent is None else self.percent)


@dataclass(frozen=True, slots=True)
class GateReport:
    passed: bool
    compared_with: int | None
    """the version that was live; None: there was nothing to compare with"""
    rules: tuple[Rule, ...]
    lost: People
    gained: People
    queries: tuple[Query, ...]
    queries_more: int

    @property
    def breaches(self) -> int:
        return sum(rule.outcome == "breach" for rule in self.rules)


def of(run: RebuildRun | None, *, at_a_glance: bool = False) -> GateReport | None:
    """None where no gate was reached: the run is of another kind, goes on, or ended before.

    The queries that lost most come first; `at_a_glance` leaves out all but the first of them.
    """
    kept = run.gate if run else None
    if not kept:
        return None
    queries = sorted(map(_query, kept["queries"]), key=lambda query: query.order)
    shown = tuple(queries[:QUERIES_AT_A_GLANCE] if at_a_glance else queries)
    return GateReport(
        passed=kept["passed"],
        compared_with=kept["live_number"],
        rules=tuple(_rule(verdict) for verdict in kept["verdicts"]),
        lost=People(tuple(kept["lost"]), kept["lost_count"]),
        gained=People(tuple(kept["gained"]), kept["gained_count"]),
        queries=shown,
        queries_more=kept["queries_count"] - len(shown),
    )


def _share(value: float) -> str:
    return _("%(share)s %%") % {"share": localize(round(value * 100, 1)).removesuffix(".0")}


def _count(value: float) -> str:
    return str(intcomma(int(value)))


_AT_MOST, _AT_LEAST = gettext_lazy("at most %(limit)s"), gettext_lazy("at least %(limit)s")
_RULES: dict[str, tuple[Any, Showing, Any]] = {
    "experts_lost": (gettext_lazy("Experts lost"), _share, _AT_MOST),
    "minimum_count": (gettext_lazy("Number of experts"), _count, _AT_LEAST),
    "without_text": (gettext_lazy("Experts without a text"), _share, _AT_MOST),
    "failed_encodings": (gettext_lazy("Failed encodings"), _share, _AT_MOST),
    "recall": (gettext_lazy("Recall of the vector index"), _share, _AT_LEAST),
    "queries_broken": (gettext_lazy("Saved queries that miss somebody"), _count, _AT_MOST),
    "queries_overlap": (gettext_lazy("Overlap of saved queries"), _share, _AT_LEAST),
}
"""Rule of the gate -> its name, how its figures are shown, and which side of the limit is the good one."""


def _rule(verdict: dict[str, Any]) -> Rule:
    # A row outlives the release that wrote it: a rule that is no more is shown as it stands there.
    name, show, bound = _RULES.get(verdict["rule"], (verdict["rule"], localize, "%(limit)s"))
    outcome: Outcome = "passed" if verdict["passed"] else "warning" if verdict["warning"] else "breach"
    return Rule(
        name=str(name),
        outcome=outcome,
        sentence=verdict["sentence"],
        value="" if verdict["value"] is None else show(verdict["value"]),
        limit=bound % {"limit": show(verdict["limit"])},
    )


def _query(kept: dict[str, Any]) -> Query:
    before, after, missing = kept["before"], kept["after"], kept["missing"]
    return Query(
        text=kept["text"],
        k=kept["k"],
        missing=tuple(missing),
        before=tuple(Place(name, name not in after) for name in before[:PLACES]),
        after=tuple(Place(name, name not in before) for name in after[:PLACES]),
        percent=None if kept["overlap"] is None else round(kept["overlap"] * 100),
    )
