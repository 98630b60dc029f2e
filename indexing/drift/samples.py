"""Samples of drift, an hour apart and after every change of version: what the chart is drawn from.

Each web process has a thread that looks whether this hour's sample of the live version is there, and takes it if not;
a worker takes one right after it has published. Two that take it at once write one row: hour and version are unique.
"""

from __future__ import annotations

import logging
import random
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from indexing.drift.measurement import Drift, measure
from indexing.errors import SnapshotInvalid
from indexing.lib.threads import BackgroundThread
from indexing.models import DriftSample, IndexState
from indexing.versions.opening import open_baseline

logger = logging.getLogger(__name__)

SHOWN = timedelta(days=90)
KEPT = SHOWN + timedelta(days=10)
LOOK_SECONDS = 5.0
RETRY_SECONDS = 60.0


def take(now: datetime | None = None) -> bool:
    """Measure and write this hour's sample of the live version; False where there is one, or nothing is live.

    Deletes what is older than KEPT. Raises SnapshotInvalid when the version's files cannot be read.
    """
    now = now or timezone.now()
    version = IndexState.read().live_version
    if version is None or DriftSample.objects.filter(hour=hour_of(now), version=version.number).exists():
        return False
    DriftSample.objects.bulk_create([sample_of(measure(open_baseline(version)), now)], ignore_conflicts=True)
    DriftSample.objects.filter(at__lt=now - KEPT).delete()
    return True


def sample_of(drift: Drift, at: datetime) -> DriftSample:
    """A sample, not stored, of what was measured at that time."""
    return DriftSample(
        hour=hour_of(at),
        version=drift.number,
        at=at,
        experts=drift.present,
        version_experts=drift.experts,
        added=len(drift.added),
        changed=len(drift.changed),
        removed=len(drift.removed),
    )


def hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def attempt() -> bool:
    """`take` for whoever has more important things to do; False where it must be tried again later."""
    try:
        take()
    except SnapshotInvalid as error:
        logger.warning("No sample of drift: %s", error)
        return False
    except (DatabaseError, InterfaceError) as error:
        logger.warning("No sample of drift: the database does not answer (%s).", error)
        connection.close()
        return False
    return True


def _sample() -> float:
    # Of several processes one looks first, most of the time, and spares the others the measuring.
    return LOOK_SECONDS * (1 + random.random()) if attempt() else RETRY_SECONDS


_background = BackgroundThread(
    "sampling", _sample, retry_seconds=RETRY_SECONDS, first_pause=LOOK_SECONDS * random.random()
)
start = _background.start
stop = _background.stop
