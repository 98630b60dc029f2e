"""The 2-D map of a version: computed by a worker after the version is live."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import numpy as np
from django.utils.translation import gettext as _

from indexing import bell, paths, processes, runlog
from indexing.build import projection
from indexing.errors import Cancelled, IndexingError
from indexing.models import IndexVersion
from indexing.retrying import patiently
from indexing.snapshot.reader import Snapshot

logger = logging.getLogger(__name__)
State = IndexVersion.MapState
LOOK_SECONDS = 2.0


def compute(number: int, *, interrupted: Callable[[], bool] = lambda: False) -> bool:
    """Compute and store the map of version `number`, if this process is the one that is to; True when done.

    Gives up when the version is no longer live, or when interrupted: a later process then takes over.
    """
    me = processes.me()
    version = IndexVersion.objects.filter(pk=number).first()
    if version is None or not is_for(number, me.as_text()):
        return False
    began = time.monotonic()
    try:
        snapshot = Snapshot.open(paths.version_folder(number), manifest_sha256=version.manifest_sha256)
        projection.project(
            snapshot, paths.map_file(number), previous=_last_map(number), cancelled=_Watch(number, interrupted)
        )
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
            "number": number, "seconds": time.monotonic() - began,
        }  # fmt: skip
    patiently(lambda: version.end_map(me, state))
    if run := getattr(version, "run", None):
        patiently(lambda: runlog.append(run.pk, sentence, level="error" if state == State.FAILED else "info"))
    bell.ring()
    return state == State.DONE


def is_for(number: int, owner: str) -> bool:
    """Is the map of version `number` this process's to compute?"""
    return IndexVersion.objects.filter(pk=number, map_state=State.COMPUTING, map_owner=owner).exists()


def _last_map(number: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Expert ids (int64[m]) and positions (float32[m, 2]) of the newest earlier map that is still on disk."""
    earlier = IndexVersion.objects.filter(number__lt=number, map_state=State.DONE).exclude(
        state=IndexVersion.State.REMOVED
    )
    for version in earlier.order_by("-number"):
        try:
            ids = np.load(paths.version_folder(version.number) / "ids.npy")
            positions = np.load(paths.map_file(version.number))
        except (OSError, ValueError, EOFError):  # gone, or damaged: then it starts afresh
            continue
        if len(ids) == len(positions):
            return ids, positions
    return None


class _Watch:
    """Asked between iterations whether to give up; looks at the database every two seconds."""

    def __init__(self, number: int, interrupted: Callable[[], bool]) -> None:
        self._number = number
        self._interrupted = interrupted
        self._next = 0.0

    def __call__(self) -> bool:
        if self._interrupted():
            return True
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + LOOK_SECONDS
        live = IndexVersion.objects.filter(pk=self._number, state=IndexVersion.State.LIVE)
        return not patiently(live.exists)
