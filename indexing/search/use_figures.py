"""What the Searches page and its exports say of use: trends, and where searches lead nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Max, Q, Sum
from django.utils import timezone

from experts.models import Expert
from indexing.models import ExpertUse, QueryUse, SearchLog
from indexing.models.use import Action

DAYS = 7
"""A trend compares as many days with those before."""
FREQUENT = 1_000
"""The most frequent queries, among which those are looked for that lead nowhere."""


@dataclass(frozen=True, slots=True)
class QueryFigures:
    """A query, without regard to case and spaces, over all days that are stored."""

    query: str
    searches: int
    zero: int
    """searches without results"""
    last: datetime
    opened: int = 0
    contacted: int = 0
    rejected: int = 0

    @property
    def led(self) -> int:
        """How often a result was opened or a contact shown."""
        return self.opened + self.contacted


@dataclass(frozen=True, slots=True)
class ExpertFigures:
    expert: Expert
    shown: int
    opened: int
    contacted: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Trend:
    """A figure of the last DAYS days beside that of the DAYS days before."""

    now: int
    before: int

    @property
    def change(self) -> float | None:
        """The growth, such as 0.5 for half as many again; None if there was nothing before."""
        return self.now / self.before - 1 if self.before else None


@dataclass(frozen=True, slots=True)
class Trends:
    searches: Trend
    zero: Trend
    opened: Trend
    contacted: Trend
    rejected: Trend


def trends(today: date | None = None) -> Trends:
    """`today` is a date in TCS_TIME_ZONE."""
    today = today or timezone.localdate(timezone=timezone.get_default_timezone())
    since, before = today - timedelta(days=DAYS - 1), today - timedelta(days=2 * DAYS - 1)
    recent, earlier = Q(day__gte=since, day__lte=today), Q(day__gte=before, day__lt=since)
    found = SearchLog.objects.filter(day__gte=before).aggregate(
        now=Count("pk", filter=recent),
        before=Count("pk", filter=earlier),
        zero_now=Count("pk", filter=recent & Q(hits=0)),
        zero_before=Count("pk", filter=earlier & Q(hits=0)),
    )
    sums = {
        f"{name}_{when}": Sum(name, filter=days)
        for name in Action.values
        for when, days in (("now", recent), ("before", earlier))
    }
    used = ExpertUse.objects.aggregate(**sums)
    actions = {name: Trend(used[f"{name}_now"] or 0, used[f"{name}_before"] or 0) for name in Action.values}
    return Trends(Trend(found["now"], found["before"]), Trend(found["zero_now"], found["zero_before"]), **actions)


def frequent_queries(limit: int | None = FREQUENT) -> list[QueryFigures]:
    """The most frequent queries first; all of them with None."""
    rows = (
        SearchLog.objects.exclude(folded="")
        .values("folded")
        .annotate(count=Count("pk"), zero=Count("pk", filter=Q(hits=0)), last=Max("at"))
        .order_by("-count", "-last", "folded")
    )
    used = {row["folded"]: row for row in QueryUse.objects.by_query()}
    return [
        QueryFigures(
            query=row["folded"],
            searches=row["count"],
            zero=row["zero"],
            last=row["last"],
            **{name: used.get(row["folded"], {}).get(name, 0) for name in Action.values},
        )
        for row in (rows if limit is None else rows[:limit])
    ]


def leading_nowhere(queries: Iterable[QueryFigures]) -> Iterator[QueryFigures]:
    """Those that found somebody each time, and nobody ever opened a result or saw a contact."""
    return (each for each in queries if not each.led and not each.zero)


def never_opened(limit: int) -> list[ExpertFigures]:
    """Active experts who are shown often and never opened; the most often shown first."""
    return _with_experts(list(ExpertUse.objects.never_opened()[:limit]))


def all_experts() -> list[ExpertFigures]:
    """Every active expert who was shown or used; the most often shown first."""
    return _with_experts(list(ExpertUse.objects.by_expert().order_by("-shown", "expert")))


def often_shown(limit: int) -> list[ExpertFigures]:
    """The first of `all_experts`."""
    return _with_experts(list(ExpertUse.objects.by_expert().order_by("-shown", "expert")[:limit]))


def _with_experts(rows: list[dict[str, int]]) -> list[ExpertFigures]:
    known = {each.pk: each for start in range(0, len(rows), 500) for each in _experts(rows[start : start + 500])}
    return [
        ExpertFigures(expert=known[row["expert"]], **{name: row[name] for name in ("shown", *Action.values)})
        for row in rows
        if row["expert"] in known
    ]


def _experts(rows: list[dict[str, int]]) -> Iterable[Expert]:
    return Expert.objects.filter(pk__in=[row["expert"] for row in rows])
