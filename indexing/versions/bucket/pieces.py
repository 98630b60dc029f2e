"""Downloads files in pieces, several at once, and checks each against the hash that the manifest gives."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path

from indexing.errors import BucketUnavailable, SnapshotInvalid
from indexing.lib import pulse
from indexing.lib.files import flush_to_disk
from indexing.lib.messages import message
from indexing.snapshot.manifest import MANIFEST_NAME, FileEntry
from indexing.versions.bucket.names import DAMAGED, file_object
from indexing.versions.bucket.store import CHUNK, NoSuchObject, bucket

AT_ONCE = 4
"""Files that are downloaded at the same time."""
PART = ".part"
Advance = Callable[[int], None]
"""Called with the bytes that arrived; may raise, to stop."""


def fetch_all(files: dict[str, FileEntry], folder: Path, advance: Advance) -> None:
    """Download files, by name, into a folder named by the version's number, some at once; each is whole and right, or
    not there. Raises SnapshotInvalid, BucketUnavailable, OSError, and what `advance` raises to stop."""
    ending = threading.Event()
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="download") as pool:
        biggest_first = sorted(files.items(), key=lambda item: -item[1].bytes)
        came = _Counted()
        running = [
            pool.submit(_fetch, folder / name, entry, int(folder.name), ending, came) for name, entry in biggest_first
        ]
        try:
            while not all(each.done() for each in running):
                with suppress(TimeoutError):
                    for each in as_completed(running, timeout=0.2):
                        each.result()
                pulse.beat()
                advance(came.taken())
            for each in running:
                each.result()
            advance(came.taken())
        except BaseException:
            ending.set()
            raise


class _Counted:
    """Bytes that came, counted by several threads."""

    def __init__(self) -> None:
        self._count = 0
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        with self._lock:
            self._count += count

    def taken(self) -> int:
        """Those since the last call."""
        with self._lock:
            count, self._count = self._count, 0
        return count


def _fetch(path: Path, entry: FileEntry, number: int, ending: threading.Event, came: _Counted) -> None:
    """Download one file, from where an earlier try stopped. If that gives another hash, once more from its start."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    name, part = file_object(entry.sha256), path.with_name(path.name + PART)
    try:
        if (size := bucket().size(name)) != entry.bytes:
            raise SnapshotInvalid(
                message(
                    "Version %(number)s cannot be used: in the bucket, %(name)s (%(file)s) has %(size)s bytes, the "
                    "manifest says %(bytes)s. Rebuild the index.",
                    number=number,
                    name=name,
                    file=path.name,
                    size=size,
                    bytes=entry.bytes,
                )
            )
        begun = part.stat().st_size if part.exists() else 0
        for start in (begun if begun <= entry.bytes else 0, 0):  # twice: it may be what was begun, or the way here
            found = _append(part, name, entry, start, ending, came)
            if found is None:
                return
            if found == entry.sha256:
                flush_to_disk(part)
                part.rename(path)
                return
        part.unlink(missing_ok=True)
        with suppress(BucketUnavailable):
            bucket().write(DAMAGED + entry.sha256, b"")
        raise wrong(number, name, path.name)
    except NoSuchObject as error:
        raise not_there(number, name, path.name) from error


def _append(
    part: Path, name: str, entry: FileEntry, start: int, ending: threading.Event, came: _Counted
) -> str | None:
    """Write the object from `start` on. Returns the SHA-256 of the whole file, or None if it was stopped."""
    hashed = hashlib.sha256()
    with part.open("r+b" if start else "wb") as file:
        while start and (block := file.read(min(CHUNK, start - file.tell()))):
            hashed.update(block)
        while (at := file.tell()) < entry.bytes:
            if ending.is_set():
                return None
            block = bucket().read(name, at, min(CHUNK, entry.bytes - at))
            file.write(block)
            hashed.update(block)
            came.add(len(block))
    return hashed.hexdigest()


def hash_of(name: str) -> str:
    """The SHA-256 of an object as the bucket gives it. Raises NoSuchObject, BucketUnavailable."""
    hashed, size = hashlib.sha256(), bucket().size(name)
    for start in range(0, size, CHUNK):
        hashed.update(bucket().read(name, start, min(CHUNK, size - start)))
    return hashed.hexdigest()


def not_there(number: int, name: str, file: str = MANIFEST_NAME) -> SnapshotInvalid:
    """The error to raise if the bucket does not have an object."""
    return SnapshotInvalid(
        message(
            "Version %(number)s cannot be used: %(name)s (%(file)s) is not in the bucket. Rebuild the index.",
            number=number,
            name=name,
            file=file,
        )
    )


def wrong(number: int, name: str, file: str = MANIFEST_NAME) -> SnapshotInvalid:
    """The error to raise if an object has another content than its name says."""
    return SnapshotInvalid(
        message(
            "Version %(number)s cannot be used: %(name)s (%(file)s) is damaged in the bucket: its SHA-256 is not the "
            "manifest's. Rebuild the index.",
            number=number,
            name=name,
            file=file,
        )
    )
