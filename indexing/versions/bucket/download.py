"""Brings a version from the bucket into the data folder, where it is opened as if it had been built there.

Files come several at once, in pieces, into `<data>/downloads/<number>/`; each is checked against the manifest's hash
before it gets its name, and the folder is renamed to its place last. What a break leaves is used by the next try.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from indexing.errors import DiskFull, SnapshotInvalid
from indexing.lib import paths, pulse
from indexing.lib.files import file_sha256, flush_to_disk
from indexing.lib.messages import Message, message
from indexing.lib.ownership import mark
from indexing.lib.process_state import ProcessState
from indexing.models import IndexState, IndexVersion
from indexing.snapshot.manifest import MANIFEST_NAME, FileEntry, Manifest
from indexing.snapshot.version_files import check_files, read_manifest
from indexing.versions.bucket.names import manifest_object
from indexing.versions.bucket.pieces import Advance, fetch_all, not_there, wrong
from indexing.versions.bucket.store import NoSuchObject, bucket, is_used

logger = logging.getLogger(__name__)

WAIT_SECONDS = 10.0
"""So long a request waits for a version that is being downloaded."""
LOCK = "lock"

_damaged: ProcessState[set[int]] = ProcessState(set)
"""Numbers of versions of which a file in the data folder was found to be wrong: they are fetched again."""


def is_here(version: IndexVersion) -> bool:
    """Whether the data folder has every file of the version, by name and size. Reads no hashes and asks nobody."""
    folder = paths.version_folder(version.number)
    if version.number in _damaged.get():
        return False
    try:
        check_files(folder, read_manifest(folder, version.manifest_sha256 or None), hashes=False)
    except SnapshotInvalid:
        return False
    return True


def note_damage(version: IndexVersion) -> None:
    """Have the version's wrong files fetched again before it is opened the next time."""
    _damaged.get().add(version.number)
    requests.get().wanted.add(version.number)


def folder_of(version: IndexVersion) -> Path:
    """The folder of the version's files. If a bucket has them and this machine does not, they are downloaded first.

    In a web process its own thread does that (`indexing.serving.fetching`), and others wait for it some seconds.
    Without a bucket nothing is looked at. Raises BucketUnavailable, SnapshotInvalid (an object is missing or damaged,
    the disk is full, it takes longer).
    """
    folder = paths.version_folder(version.number)
    if not is_used() or not version.manifest_sha256 or is_here(version):
        return folder
    if requests.get().is_served:
        requests.get().wait_for(version)
    else:
        fetch(version)
    return folder


def fetch(version: IndexVersion, advance: Advance = lambda _count: None) -> None:
    """Download what the data folder lacks of the version. Raises BucketUnavailable, SnapshotInvalid, and what
    `advance` raises."""
    try:
        with _only_one():
            if not is_here(version):  # another process may have brought it meanwhile
                _download(version, paths.version_folder(version.number), advance)
                _damaged.get().discard(version.number)
    except DiskFull as error:
        raise SnapshotInvalid(error.message) from error
    except OSError as error:
        raise SnapshotInvalid(
            message(
                "Version %(number)s could not be stored in %(folder)s: %(error)s.",
                number=version.number,
                folder=_downloads(),
                error=error.strerror or error,
            )
        ) from error


class Requests:
    """What other threads of a web process need from the one that downloads."""

    def __init__(self) -> None:
        self.is_served = False
        """Whether there is such a thread."""
        self.wanted: set[int] = set()
        """Numbers of versions that somebody waits for."""
        self.problems: dict[int, Message] = {}
        """Number -> why the last try to download it failed."""

    def wait_for(self, version: IndexVersion) -> None:
        """Return once the version is here. Raises SnapshotInvalid with the reason if that takes too long."""
        give_up = time.monotonic() + WAIT_SECONDS
        self.wanted.add(version.number)
        while not is_here(version):
            problem = self.problems.get(version.number)
            if problem or time.monotonic() > give_up:
                raise SnapshotInvalid(problem or self.being_downloaded(version.number))
            time.sleep(0.1)

    def being_downloaded(self, number: int) -> Message:
        return message("Version %(number)s is being downloaded to this machine.", number=number)


requests = ProcessState(Requests)


def remove_unneeded() -> None:
    """Remove what was begun of versions that nobody needs any more."""
    with suppress(OSError):
        needed = {f"{number:06d}" for number in IndexVersion.objects.searchable().values_list("number", flat=True)}
        for path in _downloads().iterdir():
            if path.is_dir() and path.name not in needed:
                shutil.rmtree(path, ignore_errors=True)


def _downloads() -> Path:
    return paths.versions_folder().parent / "downloads"


@contextmanager
def _only_one() -> Iterator[None]:
    """Of all processes with this data folder one downloads; the lock ends with its process."""
    folder = _downloads()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(folder / LOCK, "wb") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                pulse.beat()
                time.sleep(0.1)
        yield


def _download(version: IndexVersion, folder: Path, advance: Advance) -> None:
    raw = _manifest(version)
    manifest = Manifest.from_bytes(raw)
    begun = _downloads() / folder.name
    begun.mkdir(mode=0o700, exist_ok=True)
    wanted = {name: entry for name, entry in manifest.files.items() if not _has(folder / name, entry)}
    _require_room(begun, wanted)
    fetch_all({name: entry for name, entry in wanted.items() if not _has_size(begun / name, entry)}, begun, advance)
    (begun / MANIFEST_NAME).write_bytes(raw)
    flush_to_disk(begun / MANIFEST_NAME)
    if folder.exists():  # with wrong or missing files
        for name in (*wanted, MANIFEST_NAME):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (begun / name).replace(folder / name)
        shutil.rmtree(begun)
        return
    mark(begun, IndexState.read().database_id)
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    begun.rename(folder)
    flush_to_disk(folder.parent)


def _manifest(version: IndexVersion) -> bytes:
    name = manifest_object(version.number)
    try:
        raw = bucket().read(name)
    except NoSuchObject as error:
        raise not_there(version.number, name) from error
    if hashlib.sha256(raw).hexdigest() != version.manifest_sha256:
        raise wrong(version.number, name)
    return raw


def _has(path: Path, entry: FileEntry) -> bool:
    """Whether the file is there and right; of a version that is opened for the first time there is none."""
    return _has_size(path, entry) and file_sha256(path) == entry.sha256


def _has_size(path: Path, entry: FileEntry) -> bool:
    try:
        return path.stat().st_size == entry.bytes
    except OSError:
        return False


def _require_room(folder: Path, files: dict[str, FileEntry]) -> None:
    needed = sum(entry.bytes for entry in files.values())
    if needed > (free := shutil.disk_usage(folder).free):
        raise DiskFull(folder, needed, free)
