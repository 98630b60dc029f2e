"""How much memory this process may still take."""

from __future__ import annotations

import resource
from pathlib import Path

import psutil

from indexing.errors import NotEnoughMemory
from indexing.models import IndexVersion

RESERVE = 100 << 20
"""Bytes that are left to searches: 16 at once with short queries grow a web process by 17 MB in the whole, with
queries of 60 words by up to 60 MB (ONNX Runtime's workspaces), measured with the packaged model."""

CGROUP = Path("/sys/fs/cgroup")


def require(version: IndexVersion, *, reserve: int = RESERVE) -> None:
    """Is there room to open the version, and `reserve` bytes besides? Raises NotEnoughMemory."""
    moments = 2 * 4 * version.dimension**2  # `Spread.moment`, and one block's while it is added up
    needed, free = version.bytes + moments + reserve, room()
    if needed > free:
        raise NotEnoughMemory(version.number, needed, free)


def room() -> int:
    """Bytes: the least of what the machine has, what the container is allowed, and what is left of address space.

    To be asked before a version is opened. An allocation that fails inside Rust or C++ ends the process, so trying
    and catching MemoryError is not enough; and the kernel's way to say no is to kill.
    """
    return int(min(psutil.virtual_memory().available, _left_in_container(), _left_of_address_space()))


def _left_in_container() -> float:
    """Cached files count as free: the kernel gives them up first. Without a limit it is endless."""
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
