"""Versions other than the live one, opened to be searched in the Lab or compared: held and kept ones."""

from __future__ import annotations

import threading

from cachetools import LRUCache

from indexing.errors import NoIndexYet, NotEnoughMemory
from indexing.lib.process_state import ProcessState
from indexing.models import IndexVersion
from indexing.serving import live
from indexing.snapshot.reader import Snapshot
from indexing.versions import free_memory
from indexing.versions.opening import open_snapshot

MAX_OPEN = 2
"""Each takes the memory of a version, and nobody compares more than two at once."""

_opened: ProcessState[LRUCache[str, Snapshot]] = ProcessState(lambda: LRUCache(MAX_OPEN))

_lock = threading.Lock()


def open_version(version: IndexVersion) -> Snapshot:
    """The version, opened with every hash of its files checked, or as it was opened before.

    One version is opened at a time, so that memory is needed for one only; other callers wait.
    Raises SnapshotInvalid, NotEnoughMemory.
    """
    try:
        served = live.current()
    except NoIndexYet:
        served = None
    if served is not None and served.number == version.number:
        return served
    key = version.manifest_sha256
    with _lock:
        opened = _opened.get()
        if key not in opened:
            while len(opened) >= MAX_OPEN:  # before the next one is read: never more than that in memory at once
                opened.popitem()
            opened[key] = _open(version)
        return opened[key]


def close() -> None:
    """Forget what was opened; a search that is going on keeps its own until it ends."""
    with _lock:
        _opened.forget()


def _open(version: IndexVersion) -> Snapshot:
    free_memory.require(version)
    try:
        return open_snapshot(version)
    except MemoryError as error:
        raise NotEnoughMemory(version.number, version.bytes, free_memory.room()) from error
