"""What else the socket brings: badge, stages, live version, history, and in which words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import translation

from experts.importing.apply import apply_plan
from indexing import runs
from indexing.console.live_page import feed
from indexing.models import IndexState, IndexVersion, RebuildRun
from indexing.runs import status
from tests.support import cast
from tests.support.imports import plan_of
from tests.support.socket_cast import LIMIT, in_database, running, tab, write

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def viewer() -> User:
    return cast.staff("indexing.view", username="vi")


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
    real = feed.fragments.render
    monkeypatch.setattr(feed.fragments, "render", lambda *a: heard.append(translation.get_language()) or real(*a))
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


async def test_a_run_and_a_new_live_version_reset_what_would_change(viewer):
    async with tab(viewer) as it:
        await it.open()
        await it.until(lambda: "plan" in it.fragments)
        before = it.fragments["plan"]
        run = await in_database(running)()
        await it.until(lambda: it.fragments["plan"] != before)
        during = it.fragments["plan"]
        await in_database(runs.fail)(run, "The disk is full.")
        await it.until(lambda: it.fragments["plan"] != during)
        after = it.fragments["plan"]

        def publish() -> None:
            IndexState.objects.update(live_version=IndexVersion.objects.create(number=42, state="live"))

        await in_database(publish)()
        await it.until(lambda: it.fragments["plan"] != after)


async def test_an_import_is_news(viewer, monkeypatch):
    monkeypatch.setattr(status, "CHANGEOVER", timedelta(0))  # its end would be news, too
    async with tab(viewer) as it:
        await it.open()
        await it.until(lambda: "hidden-experts" in it.fragments)
        version = await in_database(cast.published)(10)
        await it.until(lambda: f">{version.number}<" in it.fragments["live-version"])
        await in_database(hide_most)()
        await it.until(lambda: "8 of 10 experts are hidden" in " ".join(it.fragments["hidden-experts"].split()))


def hide_most() -> None:
    apply_plan(plan_of("Username\nexpert-001\nexpert-002\n", sync=True), file_name="half.csv")
