"""Deletes from the bucket what no kept version needs. The worker of a run does this before it builds anything.

Only one run is active at a time, so nobody else uploads meanwhile, except a worker whose run was given up: what that
one loses can never be published. Everything lies below this database's id, so it was written by this database.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta

from django.utils.translation import gettext_noop

from indexing.errors import SnapshotInvalid
from indexing.models import IndexVersion, ServingProcess
from indexing.snapshot.manifest import Manifest
from indexing.versions.bucket.names import (
    DAMAGED,
    MAPS,
    OBJECTS,
    PROCESSES,
    VERSIONS,
    WRITABLE,
    file_object,
    number_of,
)
from indexing.versions.bucket.pieces import hash_of
from indexing.versions.bucket.store import NoSuchObject, bucket

logger = logging.getLogger(__name__)
State = IndexVersion.State
YOUNG = timedelta(hours=1)
"""By the bucket's own clock: the process that wrote such a token may not have reported yet."""


def require_answer() -> None:
    """Check that the bucket answers this process. Raises BucketUnavailable."""
    with suppress(NoSuchObject):
        bucket().size(WRITABLE)


def require_writable() -> None:
    """Check that the bucket answers and that this process may write. Raises BucketUnavailable."""
    bucket().write(WRITABLE, b"")


def delete_damaged() -> None:
    """Delete the objects that machines reported as damaged, if they are: the next upload then sends them again.

    Raises BucketUnavailable.
    """
    for report in bucket().list(DAMAGED):
        sha256 = report.name.removeprefix(DAMAGED)
        with suppress(NoSuchObject):
            if hash_of(file_object(sha256)) != sha256:
                bucket().delete([file_object(sha256)])
                logger.warning(gettext_noop("Deleted %s from the bucket: it is damaged."), file_object(sha256))
        bucket().delete([report.name])


def sweep() -> int:
    """Delete manifests of versions that are deleted, then what no manifest names; returns how many objects.

    If a manifest cannot be read, only manifests are deleted: what it names is not known. Raises BucketUnavailable.
    """
    # Listed before the rows are read, and a row is created before its manifest.
    manifests = [each.name for each in bucket().list(VERSIONS)]
    kept = dict(IndexVersion.objects.exclude(state=State.DELETED).values_list("number", "manifest_sha256"))
    unneeded = [name for name in manifests if number_of(name) not in kept]
    bucket().delete(unneeded)
    try:
        needed = {
            file_object(entry.sha256)
            for name in manifests
            if name not in unneeded
            for entry in Manifest.from_bytes(bucket().read(name)).files.values()
        }
    except (SnapshotInvalid, NoSuchObject) as error:
        logger.warning("%s", error)
        needed = None
    if needed is not None:
        unneeded += _delete([each.name for each in bucket().list(OBJECTS) if each.name not in needed])
    unneeded += _delete([each.name for each in bucket().list(MAPS) if _number_of_map(each.name) not in kept])
    unneeded += _delete(_abandoned())
    if unneeded:
        logger.info(gettext_noop("Deleted %d objects from the bucket."), len(unneeded))
    return len(unneeded)


def _delete(names: list[str]) -> list[str]:
    bucket().delete(names)
    return names


def _number_of_map(name: str) -> int:
    number = name.removeprefix(MAPS).partition("-")[0]
    return int(number) if number.isdecimal() else 0


def _abandoned() -> list[str]:
    """Tokens of web processes that were killed."""
    known = set(ServingProcess.objects.values_list("folder_token", flat=True))
    written = bucket().list("")
    now = max(each.changed for each in written)
    return [
        each.name
        for each in written
        if each.name.startswith(PROCESSES)
        and each.name.removeprefix(PROCESSES) not in known
        and now - each.changed > YOUNG
    ]
