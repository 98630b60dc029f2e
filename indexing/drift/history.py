"""Drift and the number of experts over the last 90 days, with the moments when another version went live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from indexing.drift.samples import SHOWN
from indexing.drift.status import DriftStatus
from indexing.models import DriftSample, Publication

BUCKETS = 150


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement."""

    at: datetime
    version: int
    experts: int
    """active in the directory"""
    version_experts: int
    added: int
    changed: int
    removed: int

    @property
    def count(self) -> int:
        return self.added + self.changed + self.removed


@dataclass(frozen=True, slots=True)
class History:
    points: tuple[Point, ...]
    """in the order of time, the last one as of now"""
    publications: tuple[Publication, ...]
    """in the order of time"""


def read(current: DriftStatus, now: datetime | None = None) -> History:
    """`current` is the last point, unless nothing could be measured."""
    now = now or timezone.now()
    points = thinned([_point(sample) for sample in DriftSample.objects.since(now - SHOWN)], BUCKETS)
    if current.drift is not None and current.as_of is not None:
        found = current.drift
        points.append(
            Point(
                current.as_of,
                found.number,
                found.present,
                found.experts,
                len(found.added),
                len(found.changed),
                len(found.removed),
            )
        )
    since = max(now - SHOWN, points[0].at - timedelta(hours=1)) if points else now - SHOWN
    publications = Publication.objects.filter(at__gte=since).order_by("at", "pk")
    return History(tuple(points), tuple(publications))


def thinned(points: Sequence[Point], buckets: int) -> list[Point]:
    """At most two of each of `buckets` equal stretches of time: the last one, and where drift was largest.

    So a chart of 90 days shows every peak before a rebuild, and where it began anew.
    """
    if len(points) <= 2 * buckets:
        return list(points)
    width = max((points[-1].at - points[0].at) / buckets, timedelta(microseconds=1))
    kept: dict[int, tuple[Point, Point]] = {}
    for point in points:
        bucket = min(int((point.at - points[0].at) / width), buckets - 1)
        largest = kept[bucket][0] if bucket in kept else point
        kept[bucket] = (point if point.count > largest.count else largest, point)
    return [point for pair in kept.values() for point in dict.fromkeys(pair)]


def _point(sample: DriftSample) -> Point:
    return Point(
        sample.at,
        sample.version,
        sample.experts,
        sample.version_experts,
        sample.added,
        sample.changed,
        sample.removed,
    )
