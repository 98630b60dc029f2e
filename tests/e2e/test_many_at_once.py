"""Many requests at once, over HTTP and by command, against real processes."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import pytest

from tests.support import forked
from tests.support.server import Server, Site, serving
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

QUERIES = ("steel bridges under water", "premature infants", "value added tax", "Number007")
REBUILDS = 10
PAUSE = 0.25
"""Seconds between the searches of each of those who search."""


@pytest.fixture
def site(tmp_path, migrated) -> Site:
    """Runs wait for an `index_worker`: none is started here by itself, so a run lasts as long as a test wants."""
    site = Site.like(migrated, tmp_path, {"TCS_WORKER": "external", "TCS_KEEP_VERSIONS": str(REBUILDS + 1)})
    site.create_staff("rita")
    site.run("from tests.support import cast; cast.experts(40)")
    return site


@pytest.fixture
def server(site: Site) -> Iterator[Server]:
    with serving(site) as server:
        yield server


def test_of_8_requests_over_http_and_by_command_one_starts_a_run(site: Site, server: Server):
    with server.client("rita") as client, ThreadPoolExecutor(8) as pool:
        ready = threading.Barrier(5)

        def over_http() -> httpx.Response:
            ready.wait(timeout=60)
            return client.post("/api/admin/ingest/run")

        command = ("rebuild_index", "--no-wait", "--json")
        commands = [pool.submit(forked.manage, command, site.variables()) for _ in range(3)]
        responses = [future.result() for future in [pool.submit(over_http) for _ in range(5)]]
        ended = [each.result() for each in commands]

        runs = client.get("/api/admin/ingest/runs").json()["runs"]
    assert len(runs) == 1
    number = runs[0]["run"]
    codes = sorted([response.status_code for response in responses] + [each.returncode for each in ended])
    accepted = [code for code in codes if code in (0, 202)]
    assert len(accepted) == 1
    assert set(codes) - set(accepted) <= {3, 409}
    for response in responses:
        assert response.json()["run"] == number
        assert response.status_code == 202 or response.json()["detail"] == "Ingest job already running"
    for each in ended:
        assert json.loads(each.stdout)["run"] == number


def test_searches_go_on_through_10_rebuilds_and_each_answer_is_of_one_version(site: Site, server: Server):
    worker = forked.start(["index_worker"], site.variables())
    try:
        with server.client("rita") as client:
            rebuild(client)
            server.wait_for_version(1)
            done = threading.Event()
            answers: list[dict] = []
            with ThreadPoolExecutor(4) as pool:
                searchers = [pool.submit(search_until, done, server, query, answers) for query in QUERIES]
                try:
                    until(lambda: answers)
                    for number in range(2, REBUILDS + 2):
                        teach(site, number)
                        rebuild(client)
                        server.wait_for_version(number)
                        until(lambda version=number: answers[-1]["version"] == version)
                finally:
                    done.set()
                for searcher in searchers:
                    searcher.result()
    finally:
        worker.end()
    assert {answer["version"] for answer in answers} == set(range(1, REBUILDS + 2))
    expected = expected_answers(site)
    for answer in answers:
        assert figures(answer) == expected[f"{answer['version']} {answer['query']}"]
    assert len({json.dumps(each) for each in expected.values()}) > len(QUERIES) * REBUILDS  # they differ


def teach(site: Site, number: int) -> None:
    """One expert's profile changes, behind everybody's back: a command would take ten times as long as its run."""
    lesson = f"Now knows of bridges, tax and infants: lesson {number}. " * number
    with closing(sqlite3.connect(site.folder / "db.sqlite3", timeout=30)) as database, database:
        changed = database.execute("UPDATE experts_expert SET bio = ? WHERE id = ?", (lesson, number + 1))
        assert changed.rowcount == 1


def rebuild(client: httpx.Client) -> None:
    run = client.post("/api/admin/ingest/run").raise_for_status().json()["run"]
    shown = until(lambda: ended(client, run), seconds=90, every=0.1)
    assert shown["state"] == "done", shown["error"]


def ended(client: httpx.Client, run: int) -> dict | None:
    shown = client.get(f"/api/admin/ingest/runs/{run}").raise_for_status().json()
    return shown if shown["finished_at"] else None


def search_until(done: threading.Event, server: Server, query: str, answers: list[dict]) -> None:
    """Search, with pauses; every answer must be a success."""
    with server.client("rita") as client:
        while not done.is_set():
            answers.append(client.get("/api/search", params={"q": query}).raise_for_status().json())
            done.wait(PAUSE)


def figures(answer: dict) -> list[list]:
    return [
        [hit["expert"]["id"], hit["score"], hit["similarity"], hit["semantic_rank"], hit["keyword_rank"]]
        for hit in answer["hits"]
    ]


def expected_answers(site: Site) -> dict[str, list]:
    """What each version, opened alone, answers to each query."""
    output = site.run(
        "import json\n"
        "from indexing.lib import paths\n"
        "from indexing.search import search\n"
        "from indexing.snapshot.reader import Snapshot\n"
        "found = {}\n"
        f"for number in range(1, {REBUILDS + 2}):\n"
        "    snapshot = Snapshot.open(paths.version_folder(number))\n"
        f"    for query in {QUERIES!r}:\n"
        "        hits = search(query, snapshot).hits\n"
        "        found[f'{number} {query}'] = [[hit.expert.pk, hit.score, hit.similarity, hit.semantic_rank,"
        " hit.keyword_rank] for hit in hits]\n"
        "print(json.dumps(found))"
    )
    answers: dict[str, list] = json.loads(output)
    return answers
