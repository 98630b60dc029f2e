"""Versions in a bucket, for machines that share no disk (TCS_VERSIONS_URL).

A worker builds a version in its own data folder, verifies it and uploads it; web processes download it into theirs.
From there on both open it as ever. Nobody outside this package talks to the bucket.
"""

from indexing.versions.bucket.download import (
    fetch,
    folder_of,
    is_here,
    note_damage,
    remove_unneeded,
    requests,
)
from indexing.versions.bucket.maps import map_file_of, upload_map
from indexing.versions.bucket.run import highest_number, keep, prepare, require_kept
from indexing.versions.bucket.sharing import BucketToken, is_shared, require_shared
from indexing.versions.bucket.store import is_used
from indexing.versions.bucket.sweep import require_answer

__all__ = [
    "BucketToken",
    "fetch",
    "folder_of",
    "highest_number",
    "is_here",
    "is_shared",
    "is_used",
    "keep",
    "map_file_of",
    "note_damage",
    "prepare",
    "remove_unneeded",
    "requests",
    "require_answer",
    "require_kept",
    "require_shared",
    "upload_map",
]
