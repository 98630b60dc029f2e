"""How many web processes a machine has by default."""

from __future__ import annotations

import os
from pathlib import Path

MOST = 4
SMALL = 2 << 30
"""Bytes of memory below which one process has to do: each loads the model for itself."""
CGROUP = Path("/sys/fs/cgroup/memory.max")


def suitable() -> int:
    """One below 2 GB of memory, else as many as this process may use processors, up to four."""
    return 1 if memory() < SMALL else min(processors(), MOST)


def processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory() -> float:
    """Bytes that the machine has, or that the container allows."""
    of_machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(of_machine, int(CGROUP.read_text()))
    except (OSError, ValueError):  # "max", or no version 2 of control groups
        return of_machine
