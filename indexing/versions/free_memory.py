"""How much more memory this process may use."""

from __future__ import annotations

import resource
from pathlib import Path

import psutil

from indexing.errors import NotEnoughMemory, SnapshotInvalid
from indexing.lib import paths
from indexing.models import IndexVersion
from indexing.snapshot.manifest import MILVUS
from indexing.snapshot.version_files import read_manifest
from indexing.snapshot.writer import VECTORS

RESERVE = 100 << 20
"""Bytes that are left for searches. Measured with the packaged model, 16 searches at once use 17 MB with short
queries and up to 60 MB with queries of 60 words (ONNX Runtime's workspaces)."""

CGROUP = Path("/sys/fs/cgroup")


def require(version: IndexVersion, *, reserve: int = RESERVE) -> None:
    """Check that the version can be opened and `reserve` bytes are left. Raises NotEnoughMemory."""
    moments = 2 * 4 * version.dimension**2  # `Spread.moment`, and one block's while it is added up
    needed, free = _searched_bytes(version) + moments + reserve, room()
    if needed > free:
        raise NotEnoughMemory(version.number, needed, free)


def _searched_bytes(version: IndexVersion) -> int:
    """Size of the files that a search reads: without the vectors, if they are searched elsewhere."""
    try:
        manifest = read_manifest(paths.version_folder(version.number))
        elsewhere = manifest.files[VECTORS].bytes if manifest.engine == MILVUS else 0
    except (SnapshotInvalid, KeyError):
        return version.bytes
    return version.bytes - elsewhere


def room() -> int:
    """Free memory in bytes: the least of what the machine has, the container allows, and the address space has left.

    Ask before a version is opened. To catch MemoryError is not enough: an allocation that fails inside Rust or C++
    ends the process, and so does the kernel when memory runs out.
    """
    return int(min(psutil.virtual_memory().available, _left_in_container(), _left_of_address_space()))


def _left_in_container() -> float:
    """Bytes up to the container's limit; infinite without one. Cached files count as free."""
    try:
        allowed = int((CGROUP / "memory.max").read_text())
        used = int((CGROUP / "memory.current").read_text())
        counted = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # "max", or no version 2 of control groups
        return float("inf")
    return allowed - used + int(counted.get("file", 0))


def _left_of_address_space() -> float:
    soft, _hard = resource.getrlimit(resource.RLIMIT_AS)
    return float("inf") if soft == resource.RLIM_INFINITY else soft - psutil.Process().memory_info().vms
