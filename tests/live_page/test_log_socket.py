"""The log over the socket: no line is lost or repeated, whoever writes and whatever breaks."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from channels.layers import get_channel_layer
from django.contrib.auth.models import User
from django.db import OperationalError, connection

from indexing import runlog, runs
from indexing.console.live_page import consumers, feed, watcher
from indexing.lib import doorbell
from tests.support import cast
from tests.support.socket_cast import LIMIT, in_database, running, tab, write

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def viewer() -> User:
    return cast.staff("indexing.view", username="vi")


async def test_a_tab_without_a_log_gets_the_backlog_and_then_lines_as_they_come(viewer):
    run = await in_database(running)()
    await in_database(write)(run, 1, 10)
    async with tab(viewer) as it:
        await it.open()
        await it.until(lambda: it.seqs == list(range(1, 12)))
        assert it.run == run.pk
        await in_database(write)(run, 11, 1)
        await it.until(lambda: it.seqs == list(range(1, 13)))


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


# --- What breaks ----------------------------------------------------------------------------------------------
async def test_the_socket_outlives_a_database_that_goes_away(viewer, monkeypatch):
    """The one fault that a test cannot cause from outside on SQLite without taking the test's own database along."""
    monkeypatch.setattr(watcher, "RETRY_SECONDS", 0.05)
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

    await watcher.database_sync_to_async(wrap)()
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
        await watcher.database_sync_to_async(lambda: connection.execute_wrappers.remove(cut))()


async def test_with_a_doorbell_a_ring_wakes_the_tab_at_once(viewer, settings, monkeypatch):
    settings.REDIS_URL = "redis://rung-by-hand"
    monkeypatch.setattr(watcher, "POLL_SECONDS_WITH_DOORBELL", 60.0)
    monkeypatch.setattr(doorbell, "ring", lambda: None)
    run = await in_database(running)()
    async with tab(viewer) as it:
        await it.open(run.pk, after=1)
        await it.take()
        await in_database(write)(run, 1, 1)
        assert await it.socket.receive_nothing(timeout=0.6), "nobody rang"
        await get_channel_layer().group_send(doorbell.GROUP, doorbell.MESSAGE)
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


async def test_many_tabs_render_no_more_than_one(viewer, monkeypatch):
    rendered = []
    real = feed.fragments.render
    monkeypatch.setattr(feed.fragments, "render", lambda *a: rendered.append(1) or real(*a))
    run = await in_database(running)()
    async with tab(viewer) as a, tab(viewer) as b, tab(viewer) as c, tab(viewer) as d:
        for it in (a, b, c, d):
            await it.open(run.pk, after=0)
            await it.until(lambda it=it: "history" in it.fragments and it.seqs == [1])
    assert len(rendered) <= 2
