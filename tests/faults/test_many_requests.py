"""Everybody asks for something at the same moment, over HTTP and by command."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import Counter
from collections.abc import Callable

import httpx
import pytest
from django.conf import settings as at_start
from django.db import connection

from experts.models import Expert
from indexing.models import RebuildRun
from tests.faults import commands, promises, transitions, workers
from tests.faults.marks import GO_ON
from tests.faults.web import Searching, Web
from tests.support import cast

Ask = Callable[[], str]
ROUNDS = int(os.environ.get("TCS_TEST_ROUNDS", "1"))
GATED = "tests.faults.encoders.GatedEncoder"


def at_once(asks: list[Ask]) -> list[str]:
    """All of them from the same moment on; their answers, or the exception's text."""
    answers: list[str] = []
    ready = threading.Barrier(len(asks))

    def one(ask: Ask) -> None:
        ready.wait()
        try:
            answers.append(ask())
        except (httpx.HTTPError, AssertionError) as error:
            answers.append(f"no answer: {error!r}")
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(ask,)) for ask in asks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads), "a deadlock"
    return answers


def start(web: Web) -> str:
    answer = web.post("/api/admin/ingest/run", {"reembed": True})
    assert answer.status_code == 202 or answer.json()["run"], answer.text
    return f"start {answer.status_code}"


def cancel(web: Web, run: int) -> str:
    answer = web.post(f"/api/admin/ingest/runs/{run}/cancel")
    assert answer.json().get("detail") or answer.status_code < 300
    return f"cancel {answer.status_code}"


def decide(web: Web, what: str, number: int) -> str:
    """Publish or roll back: done, or refused with the reason."""
    answer = web.post(f"/api/admin/versions/{number}/{what}", {"reason": "Everybody wants it."})
    assert answer.status_code == 200 or answer.json()["detail"], answer.text
    return f"{what} {answer.status_code}"


def command(*arguments: str) -> str:
    """A command in a process of its own; its exit code. Its worker waits at the gate as well."""
    process = multiprocessing.get_context("forkserver").Process(target=commands.main, args=(GATED, *arguments))
    process.start()
    process.join(120)
    return f"{arguments[0]} {process.exitcode}"


@pytest.fixture
def _gate() -> None:
    workers.clear_marks()


@pytest.mark.usefixtures("_gate")
def test_sixty_four_requests_at_once_make_one_run_and_publish_once(first_version, serve, settings):
    """Version 1 is kept, 2 is live, 3 is held: everybody asks for a run, publishes 3 or rolls back to 1."""
    promises.rebuild()
    Expert.objects.filter(username__lte="expert-010").delete()
    held = cast.rebuild()
    assert held.state == RebuildRun.State.HELD
    web = serve(TCS_ENCODER=GATED, TCS_WORKER="subprocess")
    with transitions.recorded(), Searching(web) as searching:
        answers = at_once(
            [lambda: start(web)] * 20
            + [lambda: command("rebuild_index", "--no-wait", "--reembed")] * 8
            + [lambda: decide(web, "publish", held.version_id)] * 14
            + [lambda: command("publish_version", str(held.version_id), "--reason", "Everybody wants it.")] * 6
            + [lambda: decide(web, "rollback", first_version)] * 10
            + [lambda: cancel(web, held.pk)] * 6
        )
        assert len(answers) == 64
        counted = Counter(answers)
        (at_start.DATA_DIR / GO_ON).touch()
        assert counted["start 202"] + counted["rebuild_index 0"] == 1, counted
        assert counted["start 409"] + counted["rebuild_index 3"] == 27, counted
        assert counted["publish 200"] + counted["publish_version 0"] == 1, counted
        assert counted["publish 409"] + counted["publish_version 1"] == 19, counted
        assert counted["rollback 200"] + counted["rollback 409"] == 10, counted
        assert counted["rollback 200"] <= 2, counted  # once before and once after the publishing
        assert counted["cancel 409"] == 6, counted
        run = RebuildRun.objects.get(pk__gt=held.pk)
        promises.ends(run, within=120)  # its worker has to start first
        # After a rollback the live version holds ten more: the gate asks whether that is meant.
        assert run.state in (RebuildRun.State.DONE, RebuildRun.State.HELD), run.error
        assert transitions.only_forward() == 3
    searching.none_failed()
    promises.hold_once_idle()
    settings.TCS_GATE_MAX_LOST = 1.0
    promises.next_run_works()


@pytest.mark.usefixtures("_gate")
def test_requests_and_cancels_at_once_end_every_run_once(first_version, serve):
    web = serve(TCS_ENCODER=GATED, TCS_WORKER="subprocess")
    with transitions.recorded(), Searching(web) as searching:
        for _ in range(ROUNDS):
            assert start(web) == "start 202"
            run = RebuildRun.objects.active().get()
            answers = Counter(at_once([lambda run=run: cancel(web, run.pk)] * 32 + [lambda: start(web)] * 32))
            assert set(answers) <= {"cancel 202", "cancel 200", "cancel 409", "start 202", "start 409"}, answers
            assert answers["cancel 202"] + answers["cancel 200"] >= 1
            for left in RebuildRun.objects.active():
                cancel(web, left.pk)
            for each in RebuildRun.objects.filter(pk__gte=run.pk):
                promises.ends(each, within=120)  # its worker has to start first
                assert each.state == RebuildRun.State.CANCELLED, each.error
        assert transitions.only_forward() >= ROUNDS
        assert promises.live() == first_version
    searching.none_failed()
    (at_start.DATA_DIR / GO_ON).touch()
    promises.next_run_works()


@pytest.mark.usefixtures("_gate")
def test_publishing_and_cancelling_at_the_same_moment_have_one_outcome(first_version, serve, work):
    with transitions.recorded(), Searching(serve()) as searching:
        for _ in range(5):
            before = promises.live()
            searching.wait_for_version(before)
            with searching.answered_from(before, promises.next_number()):
                run = promises.ask()
                worker = work(run.pk, "before transaction", "pause")
                worker.paused()
                runs_cancel = [lambda run=run: commands.cancel(run.pk)] * 3
                at_once([*runs_cancel, lambda worker=worker: str(worker.go_on())])
                worker.ended()
                run.refresh_from_db()
                assert run.state in (RebuildRun.State.DONE, RebuildRun.State.CANCELLED), run.error
                assert promises.live() == (run.version_id if run.state == RebuildRun.State.DONE else before)
                promises.hold_once_idle()
        assert transitions.only_forward() == 10
    searching.none_failed()
    promises.next_run_works()
