"""Puts a version that was built into the bucket: first the files, each named by its hash, and the manifest last.

A file that the bucket has already costs nothing, and neither does what was sent before a break.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from indexing.errors import IndexingError, SnapshotInvalid, VersionExists
from indexing.lib import paths
from indexing.lib.messages import message
from indexing.models import IndexVersion
from indexing.snapshot.manifest import MANIFEST_NAME, FileEntry, Manifest
from indexing.snapshot.version_files import check_files, read_manifest
from indexing.versions.bucket.names import OBJECTS, file_object, manifest_object
from indexing.versions.bucket.patience import patiently
from indexing.versions.bucket.store import NoSuchObject, ObjectExists, bucket

logger = logging.getLogger(__name__)
ROUNDS = 3
"""So often files are sent that are missing, or have another size, although they were sent."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What it cost."""

    files: int
    """of the version"""
    sent: int
    """files that the bucket did not have"""
    bytes: int
    """of those"""


def upload(folder: Path, sha256: str, check: Callable[[], None] = lambda: None) -> Uploaded:
    """Put the version in `folder`, whose manifest has this hash, into the bucket; waits for it if it is away.

    `check` is called between files and may raise, to stop. Raises VersionExists if another version of this number is
    there, SnapshotInvalid, OSError, BucketUnavailable.
    """
    manifest = read_manifest(folder, sha256)
    sent: dict[str, int] = {}
    for _round in range(ROUNDS):
        missing = _missing(manifest, patiently(_sizes, check))
        if not missing:
            break
        for name, entry in missing.items():
            patiently(lambda path=folder / name, entry=entry: _send(path, entry), check)  # type: ignore[misc]
            sent[entry.sha256] = entry.bytes
    else:
        raise IndexingError(
            message(
                "The bucket does not keep what is written: %(count)d files of version %(number)s are not there.",
                count=len(missing),
                number=manifest.number,
            )
        )
    check()
    patiently(lambda: _create_manifest(manifest.number, (folder / MANIFEST_NAME).read_bytes()), check)
    return Uploaded(len(manifest.files), len(sent), sum(sent.values()))


def has_manifest(version: IndexVersion) -> bool:
    """Whether the version is in the bucket, as the database knows it. Raises BucketUnavailable."""
    try:
        raw = bucket().read(manifest_object(version.number))
    except NoSuchObject:
        return False
    return hashlib.sha256(raw).hexdigest() == version.manifest_sha256


def upload_what_is_missing(check: Callable[[], None] = lambda: None) -> list[int]:
    """Put the finished versions of this data folder that the bucket does not have into it; returns their numbers.

    There are some where a bucket is used for the first time, is a new one, or has lost objects. Raises as `upload`; a
    version that is damaged here is left out.
    """
    sent = []
    there = _sizes()
    for version in IndexVersion.objects.searchable().order_by("-number"):
        folder = paths.version_folder(version.number)
        if not folder.is_dir():
            continue
        try:
            manifest = read_manifest(folder, version.manifest_sha256)
            if not _missing(manifest, there) and has_manifest(version):
                continue
            check_files(folder, manifest, hashes=True)
        except SnapshotInvalid as error:
            logger.warning("%s", error)
            continue
        upload(folder, version.manifest_sha256, check)
        logger.info(message("Version %(number)s is in the bucket now.", number=version.number))
        sent.append(version.number)
    return sent


def _sizes() -> dict[str, int]:
    """Bytes of each object that is a file, by name."""
    return {each.name: each.size for each in bucket().list(OBJECTS)}


def _missing(manifest: Manifest, there: dict[str, int]) -> dict[str, FileEntry]:
    """The files, by name, that are not in the bucket with their size. Of files that are the same, one."""
    wanted = {entry.sha256: (name, entry) for name, entry in manifest.files.items()}
    return {name: entry for sha256, (name, entry) in wanted.items() if there.get(file_object(sha256)) != entry.bytes}


def _send(path: Path, entry: FileEntry) -> None:
    bucket().write_file(file_object(entry.sha256), path)


def _create_manifest(number: int, raw: bytes) -> None:
    name = manifest_object(number)
    try:
        bucket().create(name, raw)
    except ObjectExists as error:
        if bucket().read(name) != raw:  # equal: only the answer to our own was lost
            raise VersionExists(number) from error
