"""Versions other than the live one, opened to be tried out: a held candidate, or one that is kept."""

from __future__ import annotations

import threading
from collections import OrderedDict

from indexing.errors import NoIndexYet, NotEnoughMemory
from indexing.models import IndexVersion
from indexing.serving import live
from indexing.snapshot.reader import Snapshot
from indexing.versions import memory
from indexing.versions.opening import open_snapshot

KEPT_OPEN = 2
"""Each takes the memory of a version: to compare two is what anybody needs at once."""

_opened: OrderedDict[str, Snapshot] = OrderedDict()
_lock = threading.Lock()


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
        return open_snapshot(version)
    except MemoryError as error:
        raise NotEnoughMemory(version.number, version.bytes, memory.room()) from error
