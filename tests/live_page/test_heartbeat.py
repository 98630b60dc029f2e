"""The beat by which a tab notices that the server is away, also where the network is gone unnoticed."""

from __future__ import annotations

import asyncio
import logging

import pytest
from autobahn.exception import Disconnected
from django.contrib.auth.models import User

from indexing.console.live_page import consumers
from tests.support import cast
from tests.support.socket_cast import LIMIT, Tab, in_database, tab

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def viewer() -> User:
    return cast.staff("indexing.view", username="vi")


async def said(it: Tab) -> str:
    """The text of the next message; empty for the end of the socket."""
    message = await it.socket.receive_output(LIMIT)
    await it.socket.send_json_to({"seen": True})
    return str(message.get("text", ""))


async def test_a_tab_that_asks_for_it_hears_the_beat_though_nothing_changes(viewer, monkeypatch):
    monkeypatch.setattr(consumers, "BEAT_SECONDS", 0.05)
    async with tab(viewer, "?header=1") as it:
        assert (await it.socket.connect(LIMIT))[0]
        await it.socket.send_json_to({"beats": True})
        beats = 0
        while beats < 5:
            beats += await said(it) == consumers.BEAT


async def test_a_tab_of_an_older_page_is_sent_only_what_it_can_show(viewer, monkeypatch):
    """Its script would put the word into the page."""
    monkeypatch.setattr(consumers, "BEAT_SECONDS", 0.05)
    async with tab(viewer, "?header=1") as it:
        await it.open()
        await it.take()
        assert await it.socket.receive_nothing(timeout=0.5)


async def test_the_beat_ends_with_the_right_to_see_the_index(viewer, monkeypatch):
    monkeypatch.setattr(consumers, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(consumers, "RIGHTS_SECONDS", 0.2)
    async with tab(viewer, "?header=1") as it:
        assert (await it.socket.connect(LIMIT))[0]
        await it.socket.send_json_to({"beats": True})
        assert await said(it)
        await in_database(viewer.user_permissions.clear)()
        while (message := await it.socket.receive_output(LIMIT))["type"] != "websocket.close":
            await it.socket.send_json_to({"seen": True})
        assert message["code"] == consumers.NO_RIGHT
        assert await it.socket.receive_nothing(timeout=0.3)


@pytest.mark.parametrize(("error", "logged"), [(Disconnected(), False), (RuntimeError("a fault of ours"), True)])
async def test_a_tab_left_in_the_moment_of_sending_logs_no_error(viewer, monkeypatch, caplog, error, logged):
    monkeypatch.setattr(consumers, "BEAT_SECONDS", 0.05)
    failed = asyncio.Event()

    async def send(_socket: object, text_data: str) -> None:
        if text_data == consumers.BEAT:
            failed.set()
            raise error

    monkeypatch.setattr(consumers.IndexConsumer, "send", send)
    with caplog.at_level(logging.ERROR, consumers.__name__):
        async with tab(viewer, "?header=1") as it:
            assert (await it.socket.connect(LIMIT))[0]
            await it.socket.send_json_to({"beats": True})
            await asyncio.wait_for(failed.wait(), LIMIT)
            await asyncio.sleep(0)
    assert bool(caplog.records) == logged
