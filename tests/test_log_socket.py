"""The socket: no line is lost or repeated, whoever writes and whatever breaks, and only for those who may see it."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.layers import get_channel_layer
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection
from django.test import Client
from django.utils import translation

from indexing import bell, processes, runlog, runs
from indexing.console import consumers, feed, watch
from indexing.console.routing import websocket_urlpatterns
from indexing.models import IndexState, IndexVersion, RebuildRun
from tests import cast

pytestmark = pytest.mark.django_db(transaction=True)

LIMIT = 10.0
PART = re.compile(r'<(?:div|ol) hx-swap-oob="(\w+):#([\w-]+)">(.*?)(?=<(?:div|ol) hx-swap-oob|\Z)', re.DOTALL)
application = AuthMiddlewareStack(URLRouter(websocket_urlpatterns))


class Tab:
    """A browser tab as far as the socket knows it: it keeps its cursor and what it was shown."""

    def __init__(self, socket: WebsocketCommunicator) -> None:
        self.socket = socket
        self.run = 0
        self.seqs: list[int] = []
        self.fragments: dict[str, str] = {}
        self.messages = 0
        self.closed: int | None = None

    async def open(self, run: int = 0, after: int = 0) -> None:
        connected, _ = await self.socket.connect(LIMIT)
        assert connected
        self.run = run
        await self.socket.send_json_to({"run": run, "after": after})

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


@pytest.fixture
def viewer() -> User:
    return cast.staff("indexing.view", username="vi")


# --- The log --------------------------------------------------------------------------------------------------
async def test_a_tab_without_a_log_gets_the_backlog_and_then_lines_as_they_come(viewer):
    run = await in_database(running)()
    await in_database(write)(run, 1, 10)
    async with tab(viewer) as it:
        await it.open()
        await it.until(lambda: it.seqs == list(range(1, 12)))
        assert it.run == run.pk
        written = time.monotonic()
        await in_database(write)(run, 11, 1)
        await it.until(lambda: it.seqs == list(range(1, 13)))
        assert time.monotonic() - written < 0.5 * 4, "half a second, with room for a busy machine"


async def test_a_tab_that_comes_back_gets_what_follows_its_cursor(viewer):
    run = await in_database(running)()
    await in_database(write)(run, 1, 50)
    async with tab(viewer) as it:
        await it.open(run.pk, after=20)
        await it.until(lambda: it.seqs == list(range(21, 52)))


async def test_dropped_sockets_while_several_write_leave_no_gap_and_no_repeat(viewer):
    run = await in_database(running)()
    ended = threading.Event()

    def writer(name: str) -> None:
        for number in range(150):
            runlog.append(run.pk, f"{name} {number}")
        connection.close()

    def all_writers() -> None:
        threads = [threading.Thread(target=writer, args=(name,)) for name in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ended.set()

    threading.Thread(target=all_writers).start()
    seqs: list[int] = []
    connections = 0
    while not ended.is_set() or len(seqs) < 451:
        async with tab(viewer) as it:
            await it.open(run.pk, after=seqs[-1] if seqs else 0)
            while not it.seqs:
                await it.take(answer=False)  # the socket drops before the tab could say that it has seen them
            seqs += it.seqs
            connections += 1
    assert seqs == list(range(1, 452))
    assert connections >= 3, "a message holds 200 lines"


async def test_a_long_log_that_is_written_while_following_comes_whole_and_in_order(viewer):
    run = await in_database(running)()
    async with tab(viewer) as it:
        await it.open(run.pk, after=0)
        for start in range(0, 3_000, 500):
            await in_database(write)(run, start, 500)
        await it.until(lambda: len(it.seqs) >= 3_001)
        assert it.seqs == list(range(1, 3_002))


async def test_of_a_long_log_a_new_tab_gets_the_end_and_a_link_to_the_rest(viewer):
    run = await in_database(running)()
    await in_database(write)(run, 1, 20_000)
    async with tab(viewer) as it:
        await it.open()
        await it.until(lambda: bool(it.seqs))
        assert it.seqs == list(range(19_002, 20_002))
        assert it.run == run.pk


async def test_a_slow_reader_is_sent_one_message_at_a_time(viewer):
    run = await in_database(running)()
    async with tab(viewer) as it:
        await it.open(run.pk, after=0)
        await it.take(answer=False)
        await in_database(write)(run, 1, 2_000)
        assert await it.socket.receive_nothing(timeout=1.0)
        assert it.seqs == [1]
        await it.socket.send_json_to({"seen": True})
        await it.take(answer=False)
        assert len(it.seqs) == 201
        assert await it.socket.receive_nothing(timeout=0.6)


async def test_a_message_with_long_lines_stays_within_its_bound(viewer):
    run = await in_database(running)()
    long = [runlog.Line(run.created_at, "info", "", "x" * 16_000) for _ in range(100)]
    await in_database(runlog.write)(run.pk, long)
    async with tab(viewer) as it:
        await it.open(run.pk, after=1)
        await it.take()
        assert 0 < len(it.seqs) <= 17
        await it.until(lambda: len(it.seqs) == 100)
        assert it.seqs == list(range(2, 102))


async def test_every_open_tab_goes_over_to_a_new_run_by_itself(viewer):
    first = await in_database(running)()
    async with tab(viewer) as one, tab(viewer) as two:
        for it in (one, two):
            await it.open(first.pk, after=1)
            await it.until(lambda it=it: "run-status" in it.fragments)
        await in_database(runs.fail)(first, "The disk is full.")
        for it in (one, two):
            await it.until(lambda it=it: "The disk is full." in it.fragments["run-status"])
        second = await in_database(running)("tags")
        for it in (one, two):
            await it.until(lambda it=it: it.run == second.pk and it.seqs == [1])
            assert f'history-run-{second.pk}"' in it.fragments["history"]


async def test_the_tab_of_one_run_stays_with_it_to_its_last_line(viewer):
    first = await in_database(running)()
    async with tab(viewer, f"?run={first.pk}") as it:
        await it.open(first.pk, after=0)
        await it.until(lambda: it.seqs == [1])
        await in_database(write)(first, 1, 300)
        await in_database(runs.fail)(first, "The disk is full.")
        second = await in_database(running)()
        await it.until(lambda: len(it.seqs) >= 302 and "The disk is full." in it.fragments["run-status"])
        assert it.seqs == list(range(1, 303))
        assert it.run == first.pk
        assert second.pk != first.pk
        assert "history" not in it.fragments


# --- All else that is shown -----------------------------------------------------------------------------------
async def test_progress_and_the_live_version_arrive_by_themselves(viewer):
    async with tab(viewer) as it:
        await it.open()
        await it.until(lambda: "badge-never" in it.fragments.get("run-status", ""))
        run = await in_database(running)()
        await it.until(lambda: "badge-rebuilding" in it.fragments["run-status"])
        await in_database(runs.beat)(run, stage="embed", done=30, total=120)
        await it.until(lambda: 'value="30" max="120"' in it.fragments["stages"])

        def publish() -> None:
            version = IndexVersion.objects.create(number=42, state="live", expert_count=1500)
            IndexState.objects.update(live_version=version)

        await in_database(publish)()
        await it.until(lambda: ">42<" in it.fragments["live-version"])


async def test_what_did_not_change_is_not_sent_again(viewer):
    run = await in_database(running)()
    async with tab(viewer) as it:
        await it.open(run.pk, after=0)
        await it.until(lambda: "history" in it.fragments and it.seqs == [1])
        it.fragments.clear()
        await in_database(write)(run, 1, 5)
        await it.until(lambda: len(it.seqs) == 6)
        assert it.fragments == {}


async def test_the_buttons_are_those_that_the_user_may_press(viewer):
    operator = await in_database(cast.staff)("indexing.view", "indexing.rebuild", username="otto")
    await in_database(running)()
    async with tab(viewer) as looks, tab(operator) as acts:
        for it in (looks, acts):
            await it.open()
            await it.until(lambda it=it: "actions" in it.fragments)
        assert "<button" not in looks.fragments["actions"]
        assert "cancel-button" in acts.fragments["actions"]


async def test_a_page_of_the_history_stays_that_page(viewer):
    await in_database(RebuildRun.objects.bulk_create)(RebuildRun(state="done") for _ in range(25))
    async with tab(viewer, "?page=2") as it:
        await it.open()
        await it.until(lambda: "history" in it.fragments)
        assert it.fragments["history"].count('id="history-run-') == 5


async def test_the_socket_speaks_the_language_of_the_page(viewer, monkeypatch):
    heard = []
    real = feed.presentation.fragments
    monkeypatch.setattr(
        feed.presentation, "fragments", lambda *a: heard.append(translation.get_language()) or real(*a)
    )
    for asked, spoken in (("nl", "nl"), ("en-gb", "en"), ("xx", "en"), ("", "en")):
        async with tab(viewer, f"?lang={asked}") as it:
            await it.open()
            await it.take()
        assert heard.pop() == spoken


@pytest.mark.parametrize(
    "said", ["", "{", "[]", "7", "null", '{"run": "x", "after": []}', '{"run": 1e999}', "x" * 5_000]
)
async def test_nonsense_from_a_tab_closes_nothing(viewer, said):
    run = await in_database(running)()
    async with tab(viewer, "?run=x&page=-4") as it:
        assert (await it.socket.connect(LIMIT))[0]
        await it.socket.send_input({"type": "websocket.receive", "text": said})
        await it.socket.send_input({"type": "websocket.receive", "bytes": b"\xff"})
        await it.socket.send_json_to({"run": 10**30, "after": -1})
        await it.until(lambda: it.run == run.pk and it.seqs == [1])


# --- Who may --------------------------------------------------------------------------------------------------
async def closing_code(it: Tab) -> int:
    give_up = time.monotonic() + LIMIT
    while it.closed is None:
        assert time.monotonic() < give_up
        await it.take()
    return it.closed


async def test_nobody_signed_in_hears_nothing():
    await in_database(running)()
    async with tab(None) as it:
        await it.open()
        assert await closing_code(it) == consumers.SIGNED_OUT
        assert it.messages == 0
        assert await it.socket.receive_nothing(timeout=0.5)


@pytest.mark.parametrize("person", [cast.staff, cast.visitor])
async def test_somebody_without_the_right_hears_nothing(person):
    await in_database(running)()
    async with tab(await in_database(person)()) as it:
        await it.open()
        assert await closing_code(it) == consumers.NO_RIGHT
        assert it.messages == 0


def take_permission(user: User) -> None:
    user.user_permissions.clear()


def dismiss(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def demote(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_staff=False)


def change_password(user: User) -> None:
    user.set_password("another one entirely")
    user.save()


def sign_out(user: User) -> None:
    Session.objects.all().delete()


@pytest.mark.parametrize(
    ("change", "code"),
    [(take_permission, consumers.NO_RIGHT), (demote, consumers.NO_RIGHT), (dismiss, consumers.SIGNED_OUT),
     (change_password, consumers.SIGNED_OUT), (sign_out, consumers.SIGNED_OUT)],
)  # fmt: skip
async def test_an_open_socket_closes_when_the_right_is_gone(viewer, monkeypatch, change, code):
    monkeypatch.setattr(consumers, "RIGHTS_SECONDS", 0.2)
    run = await in_database(running)()
    async with tab(viewer) as it:
        await it.open(run.pk, after=1)
        await it.take()
        await in_database(change)(viewer)
        assert await closing_code(it) == code
        await in_database(write)(run, 1, 1)
        assert await it.socket.receive_nothing(timeout=0.6)


async def test_a_right_that_is_given_shows_its_buttons_in_the_open_tab(viewer, monkeypatch):
    monkeypatch.setattr(consumers, "RIGHTS_SECONDS", 0.2)
    async with tab(viewer) as it:
        await it.open()
        await it.until(lambda: "actions" in it.fragments)
        assert "rebuild-button" not in it.fragments["actions"]

        def promote() -> None:
            operator = cast.staff("indexing.rebuild", username="model")
            viewer.user_permissions.add(*operator.user_permissions.all())

        await in_database(promote)()
        await it.until(lambda: "rebuild-button" in it.fragments["actions"])


# --- What breaks ----------------------------------------------------------------------------------------------
async def test_the_socket_outlives_a_database_that_goes_away(viewer, monkeypatch):
    """The one fault that a test cannot cause from outside on SQLite without taking the test's own database along."""
    monkeypatch.setattr(watch, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(consumers, "RETRY_SECONDS", 0.05)
    run = await in_database(running)()
    away = threading.Event()
    refused = []

    def cut(execute, sql, params, many, context):
        if away.is_set():
            refused.append(sql)
            raise OperationalError("server closed the connection unexpectedly")
        return execute(sql, params, many, context)

    def wrap() -> None:
        connection.execute_wrappers.append(cut)

    await watch.database_sync_to_async(wrap)()
    try:
        async with tab(viewer) as it:
            await it.open(run.pk, after=0)
            await it.until(lambda: it.seqs == [1])
            thread = threading.Thread(target=lambda: (away.wait(LIMIT), write(run, 1, 3), connection.close()))
            thread.start()
            away.set()
            give_up = time.monotonic() + LIMIT
            while len(refused) < 3:
                assert time.monotonic() < give_up
                await asyncio.sleep(0.02)
            thread.join()
            away.clear()
            await it.until(lambda: it.seqs == [1, 2, 3, 4])
    finally:
        await watch.database_sync_to_async(lambda: connection.execute_wrappers.remove(cut))()


async def test_with_a_doorbell_a_ring_wakes_the_tab_at_once(viewer, settings, monkeypatch):
    settings.REDIS_URL = "redis://rung-by-hand"
    monkeypatch.setattr(watch, "LOOK_SECONDS_WITH_BELL", 60.0)
    monkeypatch.setattr(bell, "ring", lambda: None)
    run = await in_database(running)()
    async with tab(viewer) as it:
        await it.open(run.pk, after=1)
        await it.take()
        await in_database(write)(run, 1, 1)
        assert await it.socket.receive_nothing(timeout=0.6), "nobody rang"
        await get_channel_layer().group_send(bell.GROUP, bell.MESSAGE)
        await it.until(lambda: it.seqs == [2])


async def test_the_watching_ends_with_the_last_tab_and_begins_again(viewer):
    run = await in_database(running)()
    for _ in range(2):
        async with tab(viewer) as one, tab(viewer) as two:
            for it in (one, two):
                await it.open(run.pk, after=0)
                await it.until(lambda it=it: it.seqs == [1])
            watching = [task for task in asyncio.all_tasks() if task.get_name() == "index-watch"]
            assert len(watching) == 1
        await asyncio.wait(watching, timeout=LIMIT)
        assert watching[0].done()


async def test_ten_tabs_render_no_more_than_one(viewer, monkeypatch):
    rendered = []
    real = feed.presentation.fragments
    monkeypatch.setattr(feed.presentation, "fragments", lambda *a: rendered.append(1) or real(*a))
    run = await in_database(running)()
    async with tab(viewer) as a, tab(viewer) as b, tab(viewer) as c, tab(viewer) as d:
        for it in (a, b, c, d):
            await it.open(run.pk, after=0)
            await it.until(lambda it=it: "history" in it.fragments and it.seqs == [1])
    assert len(rendered) <= 2
