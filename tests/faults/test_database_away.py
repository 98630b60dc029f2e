"""The database is locked (SQLite) or down (PostgreSQL) for a while, during a run and during searches.

`TCS_TEST_DOWN_SECONDS=20` is the time that is promised; the default is shorter, to keep `make test` short.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from django.db import connection
from django.test import Client

from indexing.models import RebuildRun
from tests.faults import promises
from tests.faults.waiting import SELDOM, until
from tests.faults.web import Answer, Searching, Web
from tests.support import cast
from tests.support.server import PLAIN
from tests.support.services import PostgreSQL

DOWN_SECONDS = float(os.environ.get("TCS_TEST_DOWN_SECONDS", "0.8"))
POINTS = [f"stage {stage}" for stage in RebuildRun.STAGES[RebuildRun.Kind.FULL]] + ["before transaction"]
Away = Callable[[], object]


@contextmanager
def locked() -> Iterator[None]:
    holder = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        holder.execute("ROLLBACK")
        holder.close()


@contextmanager
def down() -> Iterator[None]:
    cluster = PostgreSQL.attached(os.environ["TCS_TEST_POSTGRES_FOLDER"])
    connection.close()
    cluster.stop("immediate")  # a crash: every connection breaks in mid-sentence
    try:
        yield
    finally:
        cluster.start()


@pytest.fixture
def away() -> Away:
    return locked if connection.vendor == "sqlite" else down


@contextmanager
def for_a_while(away: Away) -> Iterator[None]:
    """The database goes away before the body, and comes back `DOWN_SECONDS` after it went."""
    began = time.monotonic()
    with away():  # type: ignore[attr-defined]
        yield
        until(lambda: time.monotonic() - began >= DOWN_SECONDS, "the time is over", DOWN_SECONDS + 5)


def test_a_run_outlasts_a_database_that_is_away_in_any_stage(first_version, serve, work, away, subtests):
    with Searching(serve(TCS_SQLITE_TIMEOUT="1")) as searching:
        for point in POINTS:
            with subtests.test(point):
                run = promises.ask(reembed=True)
                worker = work(run.pk, point, "pause", sqlite_timeout=0.1)
                worker.paused()
                with for_a_while(away):
                    worker.go_on()
                assert worker.ended(60 + DOWN_SECONDS) == 0
                run.refresh_from_db()
                assert run.state == RebuildRun.State.DONE, run.error
                assert promises.live() == run.version_id
                assert [stage["stage"] for stage in run.stages] == list(run.stage_names)
                sequence = list(run.lines.values_list("seq", flat=True))
                assert sequence == list(range(1, len(sequence) + 1))
                assert not run.lines.filter(level="error").exists()
                promises.hold_once_idle()
        searching.wait_for(promises.next_run_works())
        with searching.answered_from(promises.live()):
            searching.more()
    answered_or_asked_to_come_back(searching.answers)


def answered_or_asked_to_come_back(answers: list[Answer]) -> None:
    assert answers
    unanswered = [answer for answer in answers if answer.status != 200]
    assert {(answer.status, bool(answer.retry_after)) for answer in unanswered} <= {(503, True)}, unanswered[:3]


def test_searches_answer_or_ask_to_come_back(first_version, serve, away):
    web = serve(TCS_SQLITE_TIMEOUT="1")
    with Searching(web, clients=4) as searching:
        with for_a_while(away):
            mark = searching.mark()
            searching.more(4)
            assert web.get("/healthz").status_code == 200
        answered_or_asked_to_come_back(searching.since(mark))
        until(lambda: web.search().status_code == 200, "it answers again", every=SELDOM)
        with searching.answered_from(first_version):
            searching.more(16)
        repaired = promises.next_run_works()
        web.serves(repaired.version_id)


def page_of(web: Web, path: str, cookies: dict[str, str]) -> httpx.Response:
    return httpx.get(web.url + path, cookies=cookies, timeout=60, verify=PLAIN)


def test_pages_say_come_back_while_the_database_is_away(first_version, serve, away):
    """No page with a traceback or a bare 500: 503 and when to try again, or the page itself."""
    web = serve(TCS_SQLITE_TIMEOUT="1", TCS_WORKER="subprocess")
    browser = Client()
    browser.force_login(cast.staff(username="sue", superuser=True))
    session = {"sessionid": browser.cookies["sessionid"].value}
    pages = ("/", "/?q=bees", "/admin/index/", "/admin/", "/admin/experts/expert/", "/api/admin/ingest/status")
    with for_a_while(away):
        answers = {page: page_of(web, page, session) for page in pages}
        answers["start"] = web.post("/api/admin/ingest/run")
        assert web.get("/readyz").status_code in (200, 503)
    for page, answer in answers.items():
        assert answer.status_code in (200, 202, 503), (page, answer.status_code, answer.text[:300])
        assert "Retry-After" in answer.headers or answer.status_code != 503, page
    if run := RebuildRun.objects.active().first():
        promises.ends(run, within=120)  # its worker has to start first
    until(lambda: page_of(web, "/?q=bees", session).status_code == 200, "pages come again")
