"""The header of every page of the admin: the run that goes on, and a notice of how it ended."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from indexing import runs
from indexing.console.live_page import header
from indexing.models import IndexState, IndexVersion, RebuildRun
from tests.support import cast
from tests.support.html_reading import Element, parse_html
from tests.support.socket_cast import in_database, running, tab, write

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = ("/admin/", "/admin/password_change/", "/admin/experts/expert/", "/admin/index/", "/admin/index/searches/")


@pytest.fixture
def viewer() -> User:
    return cast.staff("indexing.view", "experts.view_expert", username="vi")


def page(user: User, path: str) -> Element:
    client = Client()
    client.force_login(user)
    return parse_html(client.get(path).content.decode())


def by_id(element: Element, name: str) -> Element | None:
    return next((each for each in element.walk() if each.attributes.get("id") == name), None)


def sockets(element: Element) -> list[str]:
    return [address for each in element.walk() if (address := each.attributes.get("ws-connect"))]


def end(run: RebuildRun, state: str, **changes: object) -> None:
    RebuildRun.objects.filter(pk=run.pk).update(state=state, **changes)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_who_is_running_what_and_how_far_it_is(viewer, path):
    run = running()
    runs.beat(run, stage="embed", done=30, total=120)
    shown = by_id(page(viewer, path), "header-run")
    link = next(each for each in shown.walk() if each.tag == "a")
    assert link.attributes["href"] == f"/admin/index/runs/{run.pk}/"
    words = link.text
    assert "full rebuild" in words
    assert "process profiles 25 %" in words
    assert run.who in words


@pytest.mark.parametrize("path", PAGES)
def test_no_page_says_anything_while_nothing_runs(viewer, path):
    assert by_id(page(viewer, path), "header-run").text.strip() == ""
    assert by_id(page(viewer, path), "run-notice").attributes["role"] == "status"


def test_the_header_is_empty_without_the_permission_to_see_the_index():
    running()
    clerk = cast.staff("experts.view_expert", username="clerk")
    shown = page(clerk, "/admin/experts/expert/")
    assert by_id(shown, "header-run") is None
    assert by_id(shown, "run-bell") is None
    assert sockets(shown) == []
    assert by_id(shown, "shortcuts") is not None
    assert "/admin/index/" not in [each.attributes.get("href") for each in by_id(shown, "shortcuts").walk()]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_one_socket(viewer, path):
    [address] = sockets(page(viewer, path))
    assert ("header=1" in address) == (path != "/admin/index/")


async def test_another_page_gets_its_header_and_nothing_else(viewer):
    run = await in_database(running)()
    await in_database(write)(run, 1, 3)
    async with tab(viewer, "?header=1") as it:
        await it.open()
        await it.take()
        assert list(it.fragments) == ["header-run"]
        assert it.seqs == []
        await in_database(runs.beat)(run, stage="embed", done=60, total=120)
        await it.until(lambda: "50 %" in it.fragments["header-run"])
        assert list(it.fragments) == ["header-run"]


@pytest.mark.parametrize("query", ["?header=1", ""])
async def test_a_tab_that_saw_the_run_gets_one_notice_of_how_it_ended(viewer, query):
    run = await in_database(running)()

    def publish() -> None:
        version = IndexVersion.objects.create(number=42, state="live")
        IndexState.objects.update(live_version=version)
        end(run, "done", version=version)

    async with tab(viewer, query) as it:
        await it.open()
        await it.until(lambda: f'data-run="{run.pk}"' in it.fragments.get("header-run", ""))
        assert "run-notice" not in it.fragments
        await in_database(publish)()
        await it.until(lambda: "run-notice" in it.fragments)
        assert it.fragments["header-run"].removesuffix("</div>") == ""
        assert "Version 42 is live" in it.fragments.pop("run-notice")
        second = await in_database(running)()
        await it.until(lambda: f'data-run="{second.pk}"' in it.fragments["header-run"])
        assert "run-notice" not in it.fragments


async def test_a_tab_whose_socket_was_away_at_the_end_gets_the_notice_when_it_reconnects(viewer):
    run = await in_database(running)()
    await in_database(end)(run, "failed", error="Disk full")
    async with tab(viewer, "?header=1") as it:
        await it.open(shown=run.pk)
        await it.take()
        assert "Disk full" in it.fragments["run-notice"]


async def test_a_tab_that_never_saw_the_run_gets_no_notice(viewer):
    run = await in_database(running)()
    await in_database(end)(run, "done")
    async with tab(viewer, "?header=1") as it:
        await it.open()
        await it.take()
        assert "run-notice" not in it.fragments


async def test_fifty_tabs_cost_no_more_rendering_than_one(viewer, monkeypatch):
    rendered = []
    real = header.as_shown
    monkeypatch.setattr(header, "as_shown", lambda: rendered.append(1) or real())
    await in_database(running)()
    async with tab(viewer, "?header=1") as first, tab(viewer, "?header=1") as second, tab(viewer) as index:
        for it in (first, second, index):
            await it.open()
            await it.until(lambda it=it: "header-run" in it.fragments)
    assert len(rendered) == 1


@pytest.mark.parametrize(
    ("state", "words"),
    [("failed", "Disk full"), ("crashed", "Disk full"), ("cancelled", "Disk full"), ("held", "needs approval")],
)
def test_a_notice_of_a_failed_run_names_the_version_that_is_still_searched(state, words):
    live = IndexVersion.objects.create(number=41, state="live")
    IndexState.objects.update(live_version=live)
    run = running()
    end(run, state, error="Disk full", version=IndexVersion.objects.create(number=42, state="held"))
    said = header.how_it_ended(run.pk)
    assert words in said
    assert "People are still searching version 41." in said


def test_a_run_that_goes_on_or_is_gone_has_no_notice():
    run = running()
    assert header.how_it_ended(run.pk) == ""
    assert header.how_it_ended(run.pk + 1) == ""
