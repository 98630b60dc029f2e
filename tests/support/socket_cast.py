"""A browser tab as the socket's tests know it, and what they write for it to see."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client

from indexing import runlog, runs
from indexing.console.live_page.consumers import websocket_urlpatterns
from indexing.lib import processes
from indexing.models import RebuildRun
from tests.support import cast

LIMIT = 30.0
PART = re.compile(r'<(?:div|ol) hx-swap-oob="(\w+):#([\w-]+)">(.*?)(?=<(?:div|ol) hx-swap-oob|\Z)', re.DOTALL)
application = AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
in_database: Any = sync_to_async


class Tab:
    """A browser tab as far as the socket knows it: it keeps its cursor and what it was shown."""

    def __init__(self, socket: WebsocketCommunicator) -> None:
        self.socket = socket
        self.run = 0
        self.seqs: list[int] = []
        self.fragments: dict[str, str] = {}
        self.messages = 0
        self.closed: int | None = None

    async def open(self, run: int = 0, after: int = 0, shown: int = 0) -> None:
        connected, _ = await self.socket.connect(LIMIT)
        assert connected
        self.run = run
        await self.socket.send_json_to({"run": run, "after": after, "shown": shown})

    async def take(self, *, answer: bool = True) -> None:
        """One message, put in place as htmx does it."""
        said = await self.socket.receive_output(LIMIT)
        if said["type"] == "websocket.close":
            self.closed = said["code"]
            return
        self.messages += 1
        parts = PART.findall(said["text"])
        assert parts, said["text"]
        for how, target, html in parts:
            if target == "log-view":
                self.run = int(re.search(r'data-run="(\d+)"', html)[1])  # type: ignore[index]
                self.seqs = []
            if target == "log-view" or how == "beforeend":
                assert target in ("log-view", f"log-lines-{self.run}")
                self.seqs += [int(seq) for seq in re.findall(r'data-seq="(\d+)"', html)]
            else:
                self.fragments[target] = html
        if answer:
            await self.socket.send_json_to({"seen": True})

    async def until(self, condition: Callable[[], bool]) -> None:
        give_up = time.monotonic() + LIMIT
        while not condition():
            assert time.monotonic() < give_up, (self.seqs[-3:], self.fragments.get("run-status"))
            await self.take()


def cookies(user: User) -> list[tuple[bytes, bytes]]:
    client = Client()
    client.force_login(user)
    return [(b"cookie", f"{django_settings.SESSION_COOKIE_NAME}={client.cookies['sessionid'].value}".encode())]


@asynccontextmanager
async def tab(user: User | None, query: str = "") -> AsyncIterator[Tab]:
    headers = await sync_to_async(cookies)(user) if user else []
    socket = WebsocketCommunicator(application, f"/ws/index/{query}", headers=headers)
    try:
        yield Tab(socket)
    finally:
        await socket.disconnect(timeout=LIMIT)


def running(kind: str = "full") -> RebuildRun:
    asked = runs.request(kind, cast.command_actor())
    claimed = runs.claim(processes.me(), asked.pk)
    assert claimed is not None
    return claimed


def write(run: RebuildRun, first: int, count: int) -> None:
    now = run.created_at
    runlog.write(
        run.pk, [runlog.Line(now, "info", "embed", f"line {number}") for number in range(first, first + count)]
    )


in_database: Any = sync_to_async


async def closing_code(it: Tab) -> int:
    give_up = time.monotonic() + LIMIT
    while it.closed is None:
        assert time.monotonic() < give_up
        await it.take()
    return it.closed
