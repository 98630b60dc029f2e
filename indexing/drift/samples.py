"""Samples of drift, one each hour and after every change of version, which the chart is drawn from.

Each web process has a thread that takes this hour's sample of the live version if there is none yet; a worker takes
one right after publishing. Two that take it at once write one row: hour and version are unique.
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
    """Measure and store this hour's sample of the live version; False if there is one already, or nothing is live.

    Raises SnapshotInvalid if the version's files cannot be read.
    """
    now = now or timezone.now()
    version = IndexState.read().live_version
    if version is None or DriftSample.objects.filter(hour=hour_of(now), version=version.number).exists():
        return False
    DriftSample.objects.bulk_create([sample_of(measure(open_baseline(version)), now)], ignore_conflicts=True)
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
    """Call `take`, and log its errors instead of raising them; False if it must be tried again later."""
    try:
        take()
    except SnapshotInvalid as error:
        logger.warning("Could not take a sample of drift: %s", error)
        return False
    except (DatabaseError, InterfaceError) as error:
        logger.warning("Could not take a sample of drift: the database does not answer (%s).", error)
        connection.close()
        return False
    return True


def _sample() -> float:
    # At random times, so that mostly one process looks first and the others find its sample.
    return LOOK_SECONDS * (1 + random.random()) if attempt() else RETRY_SECONDS


_background = BackgroundThread(
    "sampling", _sample, retry_seconds=RETRY_SECONDS, first_pause=LOOK_SECONDS * random.random()
)
start = _background.start
stop = _background.stop
