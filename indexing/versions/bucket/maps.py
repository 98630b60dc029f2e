"""The maps of versions, computed by a worker and shown by every machine."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

from indexing.lib import paths
from indexing.lib.files import file_sha256
from indexing.versions.bucket.names import MAPS
from indexing.versions.bucket.patience import patiently
from indexing.versions.bucket.store import bucket, is_used


def upload_map(number: int) -> None:
    """Put the map of a version into the bucket, if one is used. Raises OSError, BucketUnavailable."""
    if not is_used():
        return
    path = paths.map_file(number)
    name = f"{MAPS}{number:06d}-{file_sha256(path)}.npy"
    patiently(lambda: bucket().write_file(name, path))


def map_file_of(number: int) -> Path:
    """The file of the version's map, downloaded if this machine does not have it; it may be missing everywhere.

    Raises BucketUnavailable, OSError.
    """
    path = paths.map_file(number)
    if not is_used() or path.exists():
        return path
    for found in sorted(bucket().list(MAPS), key=lambda each: each.changed, reverse=True):
        name, _, sha256 = found.name.removeprefix(MAPS).removesuffix(".npy").partition("-")
        if name == f"{number:06d}":
            raw = bucket().read(found.name)
            if hashlib.sha256(raw).hexdigest() == sha256:
                path.parent.mkdir(parents=True, exist_ok=True)
                unfinished = path.with_name(f"{path.stem}.{secrets.token_hex(4)}.tmp")
                unfinished.write_bytes(raw)
                unfinished.replace(path)
                break
    return path
