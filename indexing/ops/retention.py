"""Deletes what is older than the settings say: once a day by one of the web processes, and on command.

The history in the admin is never deleted.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from experts.attachments import documents, photos, storage
from experts.importing import uploads
from experts.models import ImportRecord
from indexing.drift import samples
from indexing.lib.threads import BackgroundThread
from indexing.models import (
    ApiToken,
    DriftSample,
    ExpertUse,
    IndexState,
    IndexVersion,
    Notification,
    QueryUse,
    RebuildRun,
    RunLogLine,
    SearchLog,
)
from indexing.sign_in import counting
from indexing.versions import sweep

logger = logging.getLogger(__name__)

EVERY = timedelta(days=1)
LOOK_SECONDS = 600.0
RETRY_SECONDS = 60.0
LONGEST_SECONDS = 600.0
BATCH = 50
"""Runs in one transaction: their logs can be long, and SQLite lets nobody else write meanwhile."""

Counts = dict[str, int]
"""How many were deleted, by what they are."""


def clean_up(now: datetime | None = None) -> Counts:
    """Delete everything that is too old; says in the log how much that was. Harmless in several processes at once."""
    now = now or timezone.now()
    counts = {name: delete(now) for name, delete in KINDS.items()}
    deleted = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    logger.info("Clean-up: deleted %s.", deleted or "nothing, since nothing is old enough")
    return counts


def clean_up_if_due(now: datetime | None = None) -> Counts | None:
    """Clean up, unless a process has done so within a day; None if one has."""
    now = now or timezone.now()
    due = Q(cleaned_up_at=None) | Q(cleaned_up_at__lte=now - EVERY) | Q(cleaned_up_at__gt=now + EVERY)
    if not IndexState.objects.filter(due, pk=1).update(cleaned_up_at=now):
        return None
    counts = None
    try:
        counts = clean_up(now)
    finally:
        if counts is None:  # the next turn, here or elsewhere, goes on with it
            IndexState.objects.filter(pk=1, cleaned_up_at=now).update(cleaned_up_at=None)
    return counts


def _sessions(now: datetime) -> int:
    store = import_module(settings.SESSION_ENGINE).SessionStore
    expired = store.get_model_class().objects.filter(expire_date__lt=now).count()
    store.clear_expired()
    return int(expired)


def _sign_ins(now: datetime) -> int:
    old = now - timedelta(days=settings.TCS_SIGN_IN_DAYS)
    rows = [model.objects.filter(attempt_time__lt=old) for model in (AccessLog, AccessAttempt, AccessFailureLog)]
    return sum(_deleted(each) for each in rows) + counting.forget_expired(now)


def _tokens(now: datetime) -> int:
    old = now - timedelta(days=settings.TCS_SIGN_IN_DAYS)
    return _deleted(ApiToken.objects.filter(Q(expires_at__lt=old) | Q(revoked_at__lt=old)))


def _searches(now: datetime) -> int:
    return _deleted(SearchLog.objects.filter(at__lt=now - timedelta(days=settings.TCS_SEARCH_LOG_DAYS)))


def _use(now: datetime) -> int:
    """What people did with results: as long as their searches."""
    old = (now - timedelta(days=settings.TCS_SEARCH_LOG_DAYS)).astimezone(timezone.get_default_timezone()).date()
    return sum(_deleted(model.objects.filter(day__lt=old)) for model in (ExpertUse, QueryUse))


def _notifications(now: datetime) -> int:
    return _deleted(Notification.objects.filter(created_at__lt=now - timedelta(days=settings.TCS_NOTIFICATION_DAYS)))


def _drift_samples(now: datetime) -> int:
    return _deleted(DriftSample.objects.filter(at__lt=now - samples.KEPT))


def _runs(_now: datetime) -> int:
    """Those before the newest TCS_KEEP_RUNS. The run of a version that is not deleted says how it was made."""
    newest = RebuildRun.objects.order_by("-pk").values_list("pk", flat=True)[: settings.TCS_KEEP_RUNS]
    first_kept = min(newest, default=0)
    old = (
        RebuildRun.objects.filter(pk__lt=first_kept)
        .exclude(state__in=RebuildRun.ACTIVE)
        .filter(Q(version=None) | Q(version__state=IndexVersion.State.DELETED))
    )
    numbers = list(old.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(numbers), BATCH):
        batch = numbers[start : start + BATCH]
        RunLogLine.objects.filter(run__in=batch).delete()
        RebuildRun.objects.filter(pk__in=batch).delete()
    return len(numbers)


def _imports(now: datetime) -> int:
    """What can be undone: the texts that imports replaced, of experts who may have been deleted since."""
    return _deleted(ImportRecord.objects.filter(at__lt=now - timedelta(days=settings.TCS_UNDO_DAYS)))


def _uploads(_now: datetime) -> int:
    return uploads.delete_leftovers()


def _files_of_nobody(_now: datetime) -> int:
    """Documents and photos whose row was never written, or whose file was left over by a crash."""
    swept = storage.sweep(storage.DOCUMENTS, documents.known_names())
    return swept + storage.sweep(storage.PHOTOS, photos.known_names())


def _encoded(now: datetime) -> int:
    return sweep.delete_old_encoded(now)


def _deleted(rows: QuerySet[Any]) -> int:
    return rows.delete()[0]


KINDS: dict[str, Callable[[datetime], int]] = {
    "sessions": _sessions,
    "sign-ins": _sign_ins,
    "tokens": _tokens,
    "searches": _searches,
    "counts of use": _use,
    "notifications": _notifications,
    "drift samples": _drift_samples,
    "runs": _runs,
    "imports to undo": _imports,
    "uploads": _uploads,
    "files of nobody": _files_of_nobody,
    "files of what was encoded": _encoded,
}


def _look() -> float:
    clean_up_if_due()
    return LOOK_SECONDS


# At random times, so that mostly one process looks first and the others find that it is done.
_background = BackgroundThread(
    "retention",
    _look,
    retry_seconds=RETRY_SECONDS,
    first_pause=30.0 * (1 + random.random()),
    working_seconds=LONGEST_SECONDS,
)
start = _background.start
stop = _background.stop
