"""The socket of the console's pages: it authorises, reads and sends.

A tab sends JSON: {"run": R, "after": N, "shown": S} once it is open (where its log ends, and which run its header
shows as active), then {"seen": true} after each message that it has shown. At most one message is in flight, so a
slow reader costs the server one message. With "beats": true it gets the message `BEAT` every second as well: a
network that is gone closes no socket, so a tab can only tell by the silence.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

from autobahn.exception import Disconnected
from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import Error as DatabaseError
from django.urls import path
from django.utils.module_loading import import_string
from django.utils.translation import get_supported_language_variant

from experts.numbers import whole_number
from indexing.console.access import Rights, rights_of
from indexing.console.live_page.feed import Feed, Tab
from indexing.console.live_page.watcher import RETRY_SECONDS, Watcher, watcher
from indexing.lib import times
from indexing.models import RebuildRun
from indexing.runlog.line_filter import LineFilter

logger = logging.getLogger(__name__)

SIGNED_OUT, NO_RIGHT = 4001, 4003
"""Close codes after which a tab does not connect again."""
RIGHTS_SECONDS = 3.0
BEAT = "beat"
BEAT_SECONDS = 1.0
"""`socket.js` says that the server is away when it has heard nothing for a little longer than two of these."""
MAX_INCOMING = 1_000


class IndexConsumer(AsyncWebsocketConsumer):
    """Keeps one open tab current."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.watcher: Watcher = watcher()
        self.feed: Feed | None = None
        self.rights: Rights | None = None
        self._woken = asyncio.Event()
        self._shown = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:  # also when the server drops the application without a disconnect
            self._stop()

    async def connect(self) -> None:
        """Accepted in any case: a refused handshake would look to the tab like a server that is away."""
        await self.accept()
        if not await self._authorise():
            return
        self.watcher.join(self._woken)
        self._tasks = [
            asyncio.create_task(self._guarded(self._follow()), name="index-follow"),
            asyncio.create_task(self._guarded(self._keep_authorised()), name="index-rights"),
        ]

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        message = _parsed(text_data)
        if "seen" in message:
            self._shown.set()
        elif self.feed is None and self.rights is not None:
            cursor = {name: whole_number(message.get(name)) for name in ("run", "after", "shown")}
            self.feed = Feed(_tab(self.scope), self.watcher, **cursor)
            self._woken.set()
            if message.get("beats") is True:
                self._tasks.append(asyncio.create_task(self._guarded(self._beat()), name="index-beat"))

    async def disconnect(self, code: int) -> None:
        self._stop()

    def _stop(self) -> None:
        self.watcher.leave(self._woken)
        for task in self._tasks:
            task.cancel()
        self._tasks = []

    async def _guarded(self, work: Any) -> None:
        """The outermost edge of the socket: an unexpected error is logged, and the tab connects again."""
        try:
            await work
        except Disconnected:
            return  # the tab was left in the moment of sending
        except Exception:  # noqa: BLE001
            logger.exception("A socket of the console failed")
            with suppress(Exception):  # the connection may be what failed
                await self.close(code=1011)

    async def _follow(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            if self.feed is None or self.rights is None or self.watcher.seen is None:
                continue
            try:
                message = await database_sync_to_async(self.feed.next_message)(self.watcher.seen, self.rights)
            except DatabaseError as error:
                logger.warning("The database does not answer (%s); the socket waits for it.", error)
                await asyncio.sleep(RETRY_SECONDS)
                self._woken.set()
                continue
            except RebuildRun.DoesNotExist:
                continue  # the run was deleted while its page was open
            if message:
                self._shown.clear()
                await self.send(text_data=message)
                await self._shown.wait()
            if self.feed.more:
                self._woken.set()

    async def _beat(self) -> None:
        while self.rights is not None:
            await self.send(text_data=BEAT)
            await asyncio.sleep(BEAT_SECONDS)

    async def _keep_authorised(self) -> None:
        while True:
            await asyncio.sleep(RIGHTS_SECONDS)
            with suppress(DatabaseError):  # checked again next time
                if not await self._authorise():
                    return

    async def _authorise(self) -> bool:
        """Read session, user and permissions afresh; close the socket when the right is gone."""
        user = await get_user({"session": await _session(self.scope)})
        rights = await database_sync_to_async(rights_of)(user)
        if rights.view:
            if rights != self.rights:
                self.rights = rights
                self._woken.set()
            return True
        self.rights = None
        self.watcher.leave(self._woken)
        await self.close(code=NO_RIGHT if user.is_authenticated else SIGNED_OUT)
        return False


async def _session(scope: Any) -> SessionBase:
    """The session as it is stored now; the one in the scope is as it was when the socket opened."""
    store: type[SessionBase] = import_string(f"{settings.SESSION_ENGINE}.SessionStore")
    return store(scope["session"].session_key)


def _tab(scope: Any) -> Tab:
    parameters = {
        name: values[-1] for name, values in parse_qs(scope.get("query_string", b"").decode("latin-1")).items()
    }
    try:
        language = get_supported_language_variant(parameters.get("lang", ""))
    except LookupError:
        language = settings.LANGUAGE_CODE
    zone = times.zone_of(scope.get("cookies", {}))
    if "header" in parameters:
        return Tab(None, 1, language, zone, header_only=True)
    wanted = LineFilter.from_query(parameters.get("level", ""), parameters.get("q", ""))
    return Tab(
        whole_number(parameters.get("run")) or None,
        whole_number(parameters.get("page")) or 1,
        language,
        zone,
        wanted=wanted,
    )


def _parsed(text: str | None) -> dict[str, Any]:
    """The message of the tab; empty if it is not valid."""
    if not text or len(text) > MAX_INCOMING:
        return {}
    try:
        message = json.loads(text)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


websocket_urlpatterns = [path("ws/index/", IndexConsumer.as_asgi(), name="index-socket")]
