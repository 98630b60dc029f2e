"""Identify a process across pid reuse, reboots and hosts, and let it end with another one."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import psutil

PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Owner:
    """Identifies a process; no other process ever has the same values."""

    host: str
    boot: str
    pid: int
    start: str
    space: str = ""
    """The pid namespace: two containers may share the host name and the boot, but not their pids."""

    def as_text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> Owner | None:
        return cls(**json.loads(text)) if text else None

    @property
    def is_gone(self) -> bool:
        """Whether the process has certainly ended. Of another machine or container this is never certain."""
        if self.host != socket.gethostname():
            return False
        if self.boot != boot_id():
            return True
        return self.space in ("", pid_space()) and start_of(self.pid) != self.start


def me() -> Owner:
    return identify(os.getpid())


def identify(pid: int) -> Owner:
    return Owner(socket.gethostname(), boot_id(), pid, start_of(pid) or "", pid_space())


@lru_cache
def pid_space() -> str:
    """The pid namespace of this process; empty on systems without them."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


@lru_cache
def boot_id() -> str:
    """Identifies the current boot of the machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except FileNotFoundError:  # not Linux; another error must not change who this process is
        return str(int(psutil.boot_time()))


def start_of(pid: int) -> str | None:
    """When the process started, in the system's own units; None if there is no such process, or it is a zombie.

    On Linux in ticks since boot: unlike psutil's create_time(), they do not move when the clock is set.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self").exists():
            return None
        return _start_by_psutil(pid)
    return None if fields[0] in "ZX" else fields[19]


def _start_by_psutil(pid: int) -> str | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else str(process.create_time())
    except psutil.NoSuchProcess:
        return None


def peak_mb() -> int:
    """The peak memory of this process, in MB."""
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) // 1024
    except (OSError, IndexError):
        return psutil.Process().memory_info().rss // 2**20


def killed_with(parent: int) -> Callable[[], None] | None:
    """To be called in a new child: the system kills it when the thread that started it ends, however that happens.

    At once and without a warning, so that a server's port is free for the next one. None where no system does that.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def in_child() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended a moment before
            os.kill(os.getpid(), signal.SIGKILL)

    return in_child
