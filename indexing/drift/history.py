"""Drift and the number of experts over the last 90 days, with the times when another version went live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from indexing.drift.samples import SHOWN, sample_of
from indexing.drift.status import DriftStatus
from indexing.models import DriftSample, Publication

BUCKETS = 150


@dataclass(frozen=True, slots=True)
class History:
    points: tuple[DriftSample, ...]
    """in the order of time; the last one is as of now and not stored"""
    publications: tuple[Publication, ...]
    """in the order of time"""


def load(current: DriftStatus, now: datetime | None = None) -> History:
    """The stored samples, and `current` as the last one unless nothing could be measured."""
    now = now or timezone.now()
    points = thinned(list(DriftSample.objects.since(now - SHOWN)), BUCKETS)
    if current.drift is not None and current.as_of is not None:
        points.append(sample_of(current.drift, current.as_of))
    since = max(now - SHOWN, points[0].at - timedelta(hours=1)) if points else now - SHOWN
    publications = Publication.objects.filter(at__gte=since).order_by("at", "pk")
    return History(tuple(points), tuple(publications))


def thinned(points: Sequence[DriftSample], buckets: int) -> list[DriftSample]:
    """At most two samples for each of `buckets` equal stretches of time: the last one and the one with most drift.

    So a chart of 90 days shows every peak before a rebuild, and where drift began again.
    """
    if len(points) <= 2 * buckets:
        return list(points)
    width = max((points[-1].at - points[0].at) / buckets, timedelta(microseconds=1))
    chosen: dict[int, tuple[DriftSample, DriftSample]] = {}
    for point in points:
        bucket = min(int((point.at - points[0].at) / width), buckets - 1)
        largest = chosen[bucket][0] if bucket in chosen else point
        chosen[bucket] = (point if point.count > largest.count else largest, point)
    return [point for largest, last in chosen.values() for point in ((last,) if largest is last else (largest, last))]
