"""Child processes, and their children, that all end with the process that started them."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn

import psutil

from indexing.lib.processes import killed_with

MARK = "TCS_SERVE"
END_SECONDS = 30.0
AGAIN_SECONDS = 1.0
BACKLOG = 512
"""Connections that may wait to be accepted; the system may allow fewer."""


class Stopped(Exception):  # noqa: N818  not an error: somebody stopped it
    """A signal asked this process to end."""

    def __init__(self, number: int) -> None:
        self.signal = signal.Signals(number)
        super().__init__(self.signal.name)


def raise_on_signals() -> None:
    """Let SIGTERM, Ctrl-C and a closed terminal raise Stopped in the main thread, until `ignore_signals`.

    A hang-up that is ignored from the start (nohup) stays ignored.
    """
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if not (number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN):
            signal.signal(number, _raise)


def on_hangup(act: Callable[[], None]) -> None:
    """Let SIGHUP call `act`, or raise Stopped in the main thread if it came because the terminal was closed.

    A hang-up that is ignored from the start (nohup) stays ignored.
    """
    had_terminal = _has_terminal()

    def heard(number: int, frame: FrameType | None) -> None:
        if had_terminal and not _has_terminal():
            _raise(number, frame)
        act()

    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, heard)


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def ignore_signals() -> None:
    """Ignore further signals: this process is ending already."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0)


def _raise(number: int, _frame: FrameType | None) -> NoReturn:
    """Raise Stopped, and again a second later: Python only prints an exception that is raised in a finalizer."""

    def once_more(_alarm: int, _frame: FrameType | None) -> NoReturn:
        _raise(number, None)

    signal.signal(signal.SIGALRM, once_more)
    signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)
    raise Stopped(number)


class ProcessGroup:
    """The processes started here and by them. Every one carries a mark in its environment.

    A worker is started in a session of its own by the web process, so neither the terminal's Ctrl-C nor the end of
    its parent reaches it: it is found by the mark.
    """

    def __init__(self) -> None:
        self.mark = secrets.token_hex(16)
        self._children: list[subprocess.Popen[bytes]] = []

    def start(
        self,
        command: Sequence[str],
        folder: Path,
        *,
        output: IO[bytes] | None = None,
        outlives_us: bool = True,
        passed: Sequence[int] = (),
        **environment: str,
    ) -> subprocess.Popen[bytes]:
        """Start a process. One that may not outlive this one is killed when this one is killed (on Linux).

        It inherits the `passed` descriptors.
        """
        environment = os.environ | environment | {MARK: self.mark}
        prepare = None if outlives_us else killed_with(os.getpid())
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=output,
            preexec_fn=prepare,
            pass_fds=passed,
        )
        self._children.append(child)
        return child

    def members(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            try:
                if process.pid != os.getpid() and process.environ().get(MARK) == self.mark:
                    found.append(process)
            except (psutil.Error, OSError):
                continue  # it ended, or is another user's
        return found

    def end(self) -> None:
        """Send SIGTERM to all, and SIGKILL to those that have not ended in time."""
        give_up = time.monotonic() + END_SECONDS
        signalled: set[int] = set()
        while members := self.members():
            late = time.monotonic() > give_up
            for process in members:
                if late or process.pid not in signalled:  # one may have been started since
                    _send(process, signal.SIGKILL if late else signal.SIGTERM)
                    signalled.add(process.pid)
            psutil.wait_procs(members, timeout=0.2)
        for child in self._children:
            child.wait()  # one that has ended has no environment and is not a member, but its exit code must be read


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


class Pauses:
    """How long to wait before starting a process again: longer each time that it ends soon."""

    FIRST, LONGEST, STEADY = 1.0, 60.0, 60.0
    """Seconds; a process that ran for STEADY begins again with the FIRST."""

    def __init__(self) -> None:
        self._next = self.FIRST

    def after(self, ran: float) -> float:
        """How many seconds to wait, after it `ran` for that many."""
        pause = self.FIRST if ran >= self.STEADY else self._next
        self._next = min(pause * 2, self.LONGEST)
        return pause


def listen(host: str, port: int, backlog: int = BACKLOG) -> socket.socket:
    """A socket that listens on the address, and does not block. Raises OSError."""
    family, kind, protocol, _name, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # at once after a restart
        listening.bind(address)
        listening.listen(backlog)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening


def can_listen(host: str, port: int) -> OSError | None:
    """Listen on the address for a moment. Returns the error if that fails."""
    try:
        listen(host, port, backlog=1).close()
    except OSError as error:
        return error
    return None
