"""How good searches are: figures from the log of searches.

OTR@10 (on-topic rate) of a search is the share of its first ten hits that are strong matches. That of a day, and the
average of seven days, is the mean over the searches that have one: each counts the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from django.utils import timezone

from indexing.models import SearchLog

DAYS = 7
"""Length of the moving average."""
SHOWN = 14
"""Days that are listed, each with the average of the seven days up to it."""
GOOD, FAIR = 0.75, 0.60
"""Lower bounds of an average that is good, and of one that is fair; anything below is poor."""

ENOUGH = 50
"""Searches of seven days without which their average is not judged: a few say nothing about the rest."""

QualityGrade = Literal["good", "fair", "poor"]


@dataclass(frozen=True, slots=True)
class DayFigures:
    """The searches of a day; rates are None if none of them has an OTR@10."""

    day: date
    count: int
    zero: int
    rate: float | None
    average: float | None
    """OTR@10 of the seven days up to this one."""


@dataclass(frozen=True, slots=True)
class SearchFigures:
    count: int
    zero: int
    average: float | None
    judged: int
    """Searches that the average is over."""
    days: tuple[DayFigures, ...]
    """Newest first, from the day of the oldest search that is stored; days without searches are included."""

    @property
    def grade(self) -> QualityGrade | None:
        """None without an average, and with too few searches to judge it."""
        return grade_average(self.average) if self.judged >= ENOUGH else None

    @property
    def zero_share(self) -> float | None:
        return self.zero / self.count if self.count else None


@dataclass(frozen=True, slots=True)
class _Sums:
    count: int = 0
    zero: int = 0
    judged: int = 0
    rates: float = 0.0

    def __add__(self, other: _Sums) -> _Sums:
        return _Sums(
            self.count + other.count, self.zero + other.zero, self.judged + other.judged, self.rates + other.rates
        )

    @property
    def rate(self) -> float | None:
        return self.rates / self.judged if self.judged else None


def grade_average(average: float | None) -> QualityGrade | None:
    """The grade of an average OTR@10, a share from 0 to 1; None for None."""
    if average is None:
        return None
    return "good" if average >= GOOD else "fair" if average >= FAIR else "poor"


def search_figures(today: date | None = None) -> SearchFigures:
    """The figures over all stored searches. `today` is a date in TCS_TIME_ZONE."""
    today = today or timezone.localdate(timezone=timezone.get_default_timezone())
    sums = {
        row["day"]: _Sums(row["count"], row["zero"], row["judged"], row["rates"] or 0.0)
        for row in SearchLog.objects.by_day()
    }
    whole = sum(sums.values(), _Sums())
    reaches = min((today - min(sums)).days + 1, SHOWN) if sums else 0
    days = tuple(_day(today - timedelta(days=ago), sums) for ago in range(reaches))
    week = _up_to(today, sums)
    return SearchFigures(whole.count, whole.zero, week.rate, week.judged, days)


def _day(day: date, sums: dict[date, _Sums]) -> DayFigures:
    own = sums.get(day, _Sums())
    return DayFigures(day, own.count, own.zero, own.rate, _up_to(day, sums).rate)


def _up_to(day: date, sums: dict[date, _Sums]) -> _Sums:
    return sum((sums.get(day - timedelta(days=ago), _Sums()) for ago in range(DAYS)), _Sums())
