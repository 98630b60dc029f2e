"""Whether a version fits on the disk, said in our own words before and while it is written."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from experts.profiles.records import ExpertRecord
from indexing.errors import DiskFull
from indexing.snapshot import vectors
from indexing.snapshot.writer import VersionWriter, free_bytes


def bytes_needed(experts: Sequence[ExpertRecord], rows: int, dimension: int) -> int:
    """A generous estimate of a version's size: the `rows` vectors twice, the links of an approximate index, texts,
    postings, and the stored profiles as if they were not compressed."""
    links = 2 * vectors.LINKS * 5
    letters = sum(len(expert.bio) + len(expert.job_title) + len(expert.company) for expert in experts)
    return rows * (2 * 4 * dimension + links) + len(experts) * 600 + 2 * letters + 1_000_000


@contextmanager
def raise_disk_full(writer: VersionWriter, needed: int) -> Iterator[None]:
    """Raise DiskFull if fewer than `needed` bytes are free, or the disk turns out to be full while writing."""
    if free_bytes(writer.building) < needed:
        raise DiskFull(writer.building.parent, needed, free_bytes(writer.building))
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        # FAISS (RuntimeError) and tantivy (ValueError) keep only the text of the system's error.
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        if full or "No space left on device" in str(error):
            raise DiskFull(writer.building.parent, needed, free_bytes(writer.building)) from error
        raise
