"""How much memory this process may still take."""

from __future__ import annotations

import resource
from pathlib import Path

import psutil

CGROUP = Path("/sys/fs/cgroup")


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
