"""Versions other than the live one, opened to be tried out: a held candidate, or one that is kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from indexing.errors import NoIndexYet, NotEnoughMemory
from indexing.lib import paths
from indexing.models import IndexVersion
from indexing.serving import live
from indexing.snapshot.reader import Snapshot
from indexing.versions import memory

KEPT_OPEN = 2
"""Each takes the memory of a version: to compare two is what anybody needs at once."""

_opened: OrderedDict[str, Snapshot] = OrderedDict()
_lock = threading.Lock()


def searchable() -> list[IndexVersion]:
    """The versions that have their files and can be searched, the newest first."""
    return list(IndexVersion.objects.filter(state__in=_SEARCHABLE).order_by("-number"))


_SEARCHABLE = (IndexVersion.State.LIVE, IndexVersion.State.HELD, IndexVersion.State.RETIRED)


def usual_pair(versions: Sequence[IndexVersion]) -> tuple[IndexVersion | None, IndexVersion | None]:
    """What is compared where nobody chose: the live version and the newest other one, the older of the two first."""
    live = next((version for version in versions if version.state == IndexVersion.State.LIVE), None)
    others = [version for version in versions if version != live]
    pair = sorted((version for version in (live, *others[:1]) if version), key=lambda version: version.number)
    return (pair[0], pair[-1]) if pair else (None, None)


def opened(version: IndexVersion) -> Snapshot:
    """The version, every hash of its files checked when it is opened. Raises SnapshotInvalid.

    One version is opened at a time; who asks for another meanwhile waits, so that memory is needed for one only.
    """
    try:
        served = live.current()
    except NoIndexYet:
        served = None
    if served is not None and served.number == version.number:
        return served
    key = version.manifest_sha256
    with _lock:
        if key in _opened:
            _opened.move_to_end(key)
            return _opened[key]
        while len(_opened) >= KEPT_OPEN:  # before the next one is read: never more at once than are kept
            _opened.popitem(last=False)
        _opened[key] = snapshot = _open(version)
        return snapshot


def close() -> None:
    """Forget what was opened; a search that goes on keeps its own to its end."""
    with _lock:
        _opened.clear()


def _open(version: IndexVersion) -> Snapshot:
    memory.require(version)
    try:
        return Snapshot.open(paths.version_folder(version.number), manifest_sha256=version.manifest_sha256)
    except MemoryError as error:
        raise NotEnoughMemory(version.number, version.bytes, memory.room()) from error
