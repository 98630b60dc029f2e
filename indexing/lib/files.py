"""Hashing files, and making sure that they are on the disk."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

HASHED_AT_ONCE = 2
"""A version's vectors are half of its bytes, so more threads would wait for the one that reads them."""


def file_sha256(path: Path) -> str:
    """SHA-256 in hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def hashing(paths: Iterable[Path]) -> Iterator[Mapping[Path, Future[str]]]:
    """The SHA-256 in hex of each file; a result raises OSError. Give the largest first, so that none is left alone.

    Ends with the files that are being read, without the others.
    """
    pool = ThreadPoolExecutor(HASHED_AT_ONCE, thread_name_prefix="hash")
    try:
        yield {path: pool.submit(file_sha256, path) for path in paths}
    finally:
        pool.shutdown(cancel_futures=True)


def flush_to_disk(path: Path) -> None:
    """Return once the content of a file, or the list of files in a folder, is on the disk (fsync). Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
