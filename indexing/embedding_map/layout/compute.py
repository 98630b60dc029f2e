"""Compute and store the 2-D map of a version. A worker does this once the version is live."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from indexing import runlog
from indexing.embedding_map import positions
from indexing.embedding_map.layout import projection
from indexing.errors import Cancelled, IndexingError, SnapshotInvalid
from indexing.lib import doorbell, paths, processes
from indexing.lib.messages import Message, message
from indexing.lib.processes import Owner
from indexing.lib.retrying import with_database_retry
from indexing.models import IndexVersion
from indexing.versions import bucket
from indexing.versions.opening import open_snapshot, read_ids

logger = logging.getLogger(__name__)
State = IndexVersion.MapState
NOTE_SECONDS = 1.0
"""Between two updates of the progress in the database."""


def compute(
    number: int,
    *,
    interrupted: Callable[[], bool] = lambda: False,
    needed: Callable[[], bool] = lambda: False,
) -> bool:
    """Compute and store the map of version `number`, if this process is assigned to it. Returns whether it is done.

    Gives up if the version is no longer live, if `interrupted()`, or if this process is `needed()` for something
    more urgent, which is checked once a second; the next worker that is free then starts the map again. If the
    computation fails, that is noted in the version and in its run's log; nothing is raised.
    """
    me = processes.me()
    version = IndexVersion.objects.filter(pk=number).first()
    if version is None or not is_assigned(number, me.as_text()):
        return False
    began = time.monotonic()
    try:
        snapshot = open_snapshot(version)
        monitor = _ProgressMonitor(version, me, interrupted, needed)
        projection.project(snapshot, paths.map_file(number), previous=_previous_map(version), advance=monitor)
        positions.load(paths.map_file(number), len(snapshot))
        bucket.upload_map(number)
    except Cancelled:
        state = State.COMPUTING if interrupted() else State.NONE
        sentence = message("The map of version %(number)s was not finished.", number=number)
    except (IndexingError, OSError, MemoryError, ValueError) as error:
        logger.exception("The map of version %s failed", number)
        state = State.FAILED
        sentence = message("The map of version %(number)s failed: %(error)s", number=number, error=error)
    else:
        state = State.DONE
        took = time.monotonic() - began
        sentence = message(
            "The map of version %(number)s is done. It took %(seconds).0f s.", number=number, seconds=took
        )
    _finish(version, me, state, sentence)
    return state == State.DONE


def _finish(version: IndexVersion, me: Owner, state: IndexVersion.MapState, sentence: Message) -> None:
    """Store how the map ended, and write the sentence to the log of the run that built the version."""
    with_database_retry(lambda: version.end_map(me, state))
    if run := getattr(version, "run", None):
        with_database_retry(
            lambda: runlog.append(run.pk, sentence, level="error" if state == State.FAILED else "info")
        )
    doorbell.ring()


def is_assigned(number: int, owner: str) -> bool:
    """Whether the process `owner` (`Owner.as_text`) is to compute the map of version `number`."""
    return IndexVersion.objects.filter(pk=number, map_state=State.COMPUTING, map_owner=owner).exists()


def _previous_map(version: IndexVersion) -> projection.PreviousMap | None:
    """The newest map of another version that is still on disk; one of the same model is preferred.

    Also of a later version: before a rollback, that was the map on the page.
    """
    others = IndexVersion.objects.filter(map_state=State.DONE).exclude(state=IndexVersion.State.DELETED)
    newest_first = others.exclude(pk=version.pk).order_by("-number")
    for other in sorted(newest_first, key=lambda other: other.model_fingerprint != version.model_fingerprint):
        same = other.model_fingerprint == version.model_fingerprint
        try:
            ids = read_ids(other)
            return projection.PreviousMap(ids, positions.load(bucket.map_file_of(other.number), len(ids)), same)
        except SnapshotInvalid as error:  # missing or damaged: try an older one
            logger.warning("The map of version %s cannot be used to start from: %s", other.number, error)
    return None


class _ProgressMonitor:
    """The progress callback: notes the progress once a second and decides when to give up."""

    def __init__(
        self, version: IndexVersion, me: Owner, interrupted: Callable[[], bool], needed: Callable[[], bool]
    ) -> None:
        self._version = version
        self._me = me
        self._interrupted = interrupted
        self._needed = needed
        self._next = 0.0

    def __call__(self, share: float) -> None:
        """Raises Cancelled to stop the computation."""
        if self._interrupted():
            raise Cancelled
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + NOTE_SECONDS
        if with_database_retry(self._needed) or not with_database_retry(
            lambda: self._version.note_map_progress(self._me, share)
        ):
            raise Cancelled
