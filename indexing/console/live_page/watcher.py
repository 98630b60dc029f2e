"""Polls the tables for all sockets of this process, and wakes the sockets when something has changed.

One task per event loop, running while somebody is connected. It polls four times a second, so that a log
line is shown within half a second of being written; with Redis the doorbell wakes it at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import weakref
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn, TypeVar

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.db.models import OuterRef, Subquery
from redis.exceptions import RedisError

from experts.models import ImportRecord
from indexing.drift import status as drift_status
from indexing.lib import doorbell
from indexing.lib.process_state import ProcessState
from indexing.lib.pulse import Pulse
from indexing.lib.setbacks import Setbacks
from indexing.models import IndexState, IndexVersion, RebuildRun, RunLogLine
from indexing.runs import status

logger = logging.getLogger(__name__)
T = TypeVar("T")

POLL_SECONDS = 0.25
POLL_SECONDS_WITH_DOORBELL = 1.0
RETRY_SECONDS = 1.0
MAX_SHARED = 64


@dataclass(frozen=True, slots=True)
class TableState:
    """The state of the tables that live pages depend on, as read at one moment."""

    run: int
    """The number of the latest run; 0 if there was none."""
    last: int
    """The number of its last log line."""
    state: tuple[Hashable, ...]
    """Everything else that a page shows: while this stays equal, only the log can have changed."""
    imported: tuple[Hashable, ...] | None = None
    """The last import, and when it was undone."""
    turn: int = field(default=0, compare=False)
    """Counts the changes of `state` that the watcher saw; what was rendered in one turn is not reused in another."""


def read_table_state() -> TableState:
    """Five short reads."""
    last_line = RunLogLine.objects.filter(run=OuterRef("pk")).order_by("-seq").values("seq")[:1]
    latest = (
        RebuildRun.objects.order_by("-pk")
        .values_list("pk", Subquery(last_line), "state", "stage", "done", "total", "beats", "cancel_requested_at")
        .first()
    )
    index = IndexState.read()
    held = tuple(IndexVersion.objects.filter(state=IndexVersion.State.HELD).values_list("pk", flat=True))
    imported = ImportRecord.objects.values_list("pk", "undone_at").first()
    standing = (index.live_version_id, index.schedule_paused_at, held, imported, status.serving(index))
    if latest is None:
        return TableState(0, 0, standing, imported)
    return TableState(latest[0], latest[1] or 0, (*latest[:1], *latest[2:], *standing), imported)


class Watcher:
    """Polls on behalf of one event loop's sockets."""

    def __init__(self) -> None:
        self.seen: TableState | None = None
        self._turn = 0
        self._shared: dict[Hashable, Any] = {}
        self._sockets: set[asyncio.Event] = set()
        self._rung = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._pulse = Pulse("pages")

    def join(self, socket: asyncio.Event) -> None:
        """`socket` is set whenever something has changed, from now on."""
        self._sockets.add(socket)
        if not self._tasks:
            self._pulse.start()
            self._tasks.append(asyncio.create_task(self._watch(), name="index-watch"))
            if settings.REDIS_URL:
                self._tasks.append(asyncio.create_task(self._listen(), name="index-changes"))

    def leave(self, socket: asyncio.Event) -> None:
        self._sockets.discard(socket)
        if not self._sockets:
            for task in self._tasks:
                task.cancel()
            self._tasks = []
            self._pulse.end()
            self.seen = None
            self._shared = {}

    def render_once(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result of `make` for `key`, made once for all sockets: ten open tabs cost no more than one."""
        if key not in self._shared:
            if len(self._shared) >= MAX_SHARED:
                self._shared = {}
            self._shared[key] = make()
        made: T = self._shared[key]
        return made

    async def _watch(self) -> None:
        pause = POLL_SECONDS_WITH_DOORBELL if settings.REDIS_URL else POLL_SECONDS
        setbacks = Setbacks("Watching for open pages", logger, retry_seconds=RETRY_SECONDS)
        while True:
            try:
                self._show(await database_sync_to_async(read_table_state)())
            except Exception as error:  # noqa: BLE001  nobody would start it again while pages are open
                await asyncio.sleep(setbacks.failed(error))
                continue
            setbacks.over()
            self._pulse.rest(pause)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._rung.wait(), pause)
            self._rung.clear()

    def _show(self, seen: TableState) -> None:
        """Wake the sockets if something has changed."""
        if self.seen and seen.imported != self.seen.imported:
            drift_status.forget()  # it may have been measured a moment before
        if seen == self.seen:
            return
        self._turn += self.seen is None or seen.state != self.seen.state
        self.seen = replace(seen, turn=self._turn)
        for socket in self._sockets:
            socket.set()

    async def _listen(self) -> None:
        """Every ring makes the watcher poll at once. A lost ring costs no more than one pause."""
        setbacks = Setbacks("Listening to the doorbell", logger, retry_seconds=RETRY_SECONDS)
        while True:
            try:
                await self._hear(setbacks)
            except Exception as error:  # noqa: BLE001  without it pages would be late for good
                await asyncio.sleep(setbacks.failed(error))

    async def _hear(self, setbacks: Setbacks) -> NoReturn:
        """Raises what Redis and the channel layer raise."""
        layer = get_channel_layer()
        channel = await layer.new_channel()
        try:
            await layer.group_add(doorbell.GROUP, channel)
            setbacks.over()
            while True:
                await layer.receive(channel)
                self._rung.set()
        finally:
            with contextlib.suppress(RedisError, OSError):
                await layer.group_discard(doorbell.GROUP, channel)


_watchers: ProcessState[weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Watcher]] = ProcessState(
    weakref.WeakKeyDictionary
)


def watcher() -> Watcher:
    """The watcher of the running event loop: a server has one loop, tests have one each."""
    return _watchers.get().setdefault(asyncio.get_running_loop(), Watcher())
