"""How many connections there may be: in all, and from one address.

Where there is no room, the connection that has waited longest for a request makes room for the new one. So whoever
holds idle or half-said connections keeps nobody out, and browsers lose only connections that they do not use.
"""

from __future__ import annotations

import logging
import os
import resource
import time
from collections.abc import Iterable
from typing import Protocol

logger = logging.getLogger(__name__)

DESCRIPTORS = 16_384
"""to have at most: the start raises the limit to that"""
LEAVING = 32
"""Connections that may be making room at one moment: their descriptors are free only a moment later."""
LOG_SECONDS = 60.0
OUR_OWN = frozenset({"127.0.0.1", "::1", ""})
"""Whoever comes from here is a proxy on this machine, with many users behind it. A UNIX socket has no address."""


class Connection(Protocol):
    """What is asked of a connection here."""

    address: str
    waits_since: float | None
    """When it began to wait for a request, by the monotonic clock; None while it has one."""

    def is_open(self) -> bool: ...

    def end(self) -> None: ...


class Connections:
    """All open connections of this process."""

    def __init__(self, most: int, most_of_one: int, *, behind_proxy: bool) -> None:
        """`behind_proxy`: all come from the proxy, so those of one address are not counted."""
        self._most = most
        self._most_of_one = most_of_one
        self._behind_proxy = behind_proxy
        self._open: list[Connection] = []
        self._leaving: list[Connection] = []
        self._last_logged = -LOG_SECONDS

    def add(self, connection: Connection) -> None:
        self._open.append(connection)

    def still_open(self) -> list[Connection]:
        self._open = [each for each in self._open if each.is_open()]
        return list(self._open)

    def have_room_for(self, address: str) -> bool:
        """Whether one more may connect from this address; another may have to go for it."""
        self._open = [each for each in self._open if each.is_open() and each not in self._leaving]
        self._leaving = [each for each in self._leaving if each.is_open()]
        if not self._behind_proxy and address not in OUR_OWN:
            of_one = [each for each in self._open if each.address == address]
            if len(of_one) >= self._most_of_one and not self._end_one(of_one):
                return self._refuse(f"there are {len(of_one)} from {address} already")
        if len(self._open) >= self._most and not self._end_one(self._open):
            return self._refuse(f"there are {len(self._open)} already")
        if few_descriptors_left():
            self._end_one(self._open)  # for the next: this one would stay among those that are kept for others
            return self._refuse(f"with {len(self._open)} of them, few of this process's descriptors are left")
        return True

    def _end_one(self, candidates: Iterable[Connection]) -> bool:
        waiting = [(each.waits_since, id(each), each) for each in candidates if each.waits_since is not None]
        if not waiting or len(self._leaving) >= LEAVING:
            return False
        _since, _id, longest = min(waiting)
        self._open.remove(longest)
        self._leaving.append(longest)
        longest.end()
        return True

    def _refuse(self, why: str) -> bool:
        now = time.monotonic()
        if now - self._last_logged >= LOG_SECONDS:
            self._last_logged = now
            logger.warning("New connections are refused: %s, and none of them is idle.", why)
        return False


def few_descriptors_left() -> bool:
    """Whether all free descriptors are in the half that is kept for files, databases and threads.

    The system gives the lowest one that is free.
    """
    try:
        lowest = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return True
    os.close(lowest)
    limit, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return limit != resource.RLIM_INFINITY and lowest >= limit // 2


def descriptors_for_connections() -> int:
    """How many connections the process's descriptors are enough for: a request on SQLite takes three more.

    Most systems allow 1,024 unless a process asks for more, so the limit is raised first.
    """
    limit, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    if limit != resource.RLIM_INFINITY and limit < wanted:
        limit = wanted
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return (DESCRIPTORS if limit == resource.RLIM_INFINITY else limit) // 4
