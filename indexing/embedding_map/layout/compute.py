"""The 2-D map of a version: computed by a worker after the version is live."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.utils.translation import gettext as _

from indexing import runlog
from indexing.embedding_map import positions
from indexing.embedding_map.layout import projection
from indexing.errors import Cancelled, IndexingError, SnapshotInvalid
from indexing.lib import doorbell, paths, processes
from indexing.lib.processes import Owner
from indexing.lib.retrying import with_database_retry
from indexing.models import IndexVersion
from indexing.versions.opening import open_snapshot, read_ids

logger = logging.getLogger(__name__)
State = IndexVersion.MapState
NOTE_SECONDS = 1.0


def compute(
    number: int,
    *,
    interrupted: Callable[[], bool] = lambda: False,
    needed: Callable[[], bool] = lambda: False,
) -> bool:
    """Compute and store the map of version `number`, if this process is the one that is to; True when done.

    Gives up when the version is no longer live, when interrupted, or when this process is `needed` for more urgent
    things, which is asked once a second: whoever looks next then takes the map up again.
    """
    me = processes.me()
    version = IndexVersion.objects.filter(pk=number).first()
    if version is None or not is_for(number, me.as_text()):
        return False
    began = time.monotonic()
    try:
        snapshot = open_snapshot(version)
        projection.project(
            snapshot,
            paths.map_file(number),
            previous=_last_map(version),
            advance=_Watch(version, me, interrupted, needed),
        )
        positions.load(paths.map_file(number), len(snapshot))
    except Cancelled:
        state = State.COMPUTING if interrupted() else State.NONE
        sentence = _("The map of version %(number)s was not finished.") % {"number": number}
    except (IndexingError, OSError, MemoryError, ValueError) as error:
        logger.exception("The map of version %s failed", number)
        state = State.FAILED
        sentence = _("The map of version %(number)s failed: %(error)s") % {"number": number, "error": error}
    else:
        state = State.DONE
        sentence = _("The map of version %(number)s is done, in %(seconds).0f s.") % {
            "number": number,
            "seconds": time.monotonic() - began,
        }
    with_database_retry(lambda: version.end_map(me, state))
    if run := getattr(version, "run", None):
        with_database_retry(
            lambda: runlog.append(run.pk, sentence, level="error" if state == State.FAILED else "info")
        )
    doorbell.ring()
    return state == State.DONE


def is_for(number: int, owner: str) -> bool:
    """Is the map of version `number` this process's to compute?"""
    return IndexVersion.objects.filter(pk=number, map_state=State.COMPUTING, map_owner=owner).exists()


def _last_map(version: IndexVersion) -> projection.Previous | None:
    """The newest other map that is still on disk, one of the same model before any other.

    Of a later version too: who rolls back looks at that one's map until then.
    """
    others = IndexVersion.objects.filter(map_state=State.DONE).exclude(state=IndexVersion.State.REMOVED)
    newest_first = others.exclude(pk=version.pk).order_by("-number")
    for other in sorted(newest_first, key=lambda other: other.model_fingerprint != version.model_fingerprint):
        same = other.model_fingerprint == version.model_fingerprint
        try:
            ids = read_ids(other)
            return projection.Previous(ids, positions.load(paths.map_file(other.number), len(ids)), same)
        except SnapshotInvalid as error:  # gone, or damaged: then an older one serves
            logger.warning("The map of version %s is not started from: %s", other.number, error)
    return None


class _Watch:
    """Hears how far the map is, notes it once a second, and says when to give up."""

    def __init__(
        self, version: IndexVersion, me: Owner, interrupted: Callable[[], bool], needed: Callable[[], bool]
    ) -> None:
        self._version = version
        self._me = me
        self._interrupted = interrupted
        self._needed = needed
        self._next = 0.0

    def __call__(self, share: float) -> None:
        """Raises Cancelled."""
        if self._interrupted():
            raise Cancelled
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + NOTE_SECONDS
        if with_database_retry(self._needed) or not with_database_retry(
            lambda: self._version.note_map_progress(self._me, share)
        ):
            raise Cancelled
