"""Three web machines and two workers, each with a data folder of its own: versions change under those who search.

`TCS_TEST_SWAPS=50` is what is promised; the default is fewer, to keep `make test` short.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings as real_settings
from django.db import connection

from experts.models import Expert
from indexing import runs, search
from indexing.models import IndexState, IndexVersion, RebuildRun
from indexing.runs import status
from indexing.serving import live
from indexing.versions import data_folder
from tests.faults.waiting import until
from tests.faults.web import QUERIES, Answer, Searching, Web, token
from tests.support import cast, forked

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.services,
    pytest.mark.skipif(
        "sqlite" in real_settings.DATABASES["default"]["ENGINE"],
        reason="machines that share no disk share a server of databases",
    ),
]

SWAPS = int(os.environ.get("TCS_TEST_SWAPS", "2"))
ADDRESSES = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
PAUSE = 0.25
"""Seconds between two searches of each of the nine clients: without it they alone take both processors."""
SHOWN = 20
"""Hits of a page; the API gives fewer."""
NAMED = re.compile(r"index version (\d+)")
CARD = re.compile(r'id="expert-(\d+)"')
Seen = tuple[int, float]
"""Expert and score of a hit."""


@pytest.fixture
def environment(settings: Any) -> dict[str, str]:
    """What all machines have in common: the database, the bucket, the key, and nothing else."""
    given = connection.settings_dict
    database = os.environ.get("DATABASE_URL") or f"sqlite:///{given['NAME']}"
    return {
        "DATABASE_URL": database,
        "TCS_VERSIONS_URL": settings.TCS_VERSIONS_URL,
        "TCS_SECRET_KEY": settings.SECRET_KEY,
        "TCS_ALLOWED_HOSTS": ",".join(ADDRESSES),
        "TCS_WORKER": "external",
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture
def two_workers(environment: dict[str, str], tmp_path: Path) -> Iterator[None]:
    started = [
        forked.start(["index_worker"], os.environ | environment | {"TCS_DATA_DIR": str(tmp_path / f"worker{number}")})
        for number in (1, 2)
    ]
    yield
    for process in started:
        process.end()


@pytest.fixture
def machines(environment: dict[str, str], tmp_path: Path) -> Iterator[list[Web]]:
    """Three web machines that have served nothing yet."""
    cast.experts(24)
    data_folder.claim()
    assert cast.rebuild().state == RebuildRun.State.DONE
    bearer = token()
    started: list[Web] = []
    try:
        for number, address in enumerate(ADDRESSES, start=1):
            folder = {"TCS_DATA_DIR": str(tmp_path / f"web{number}")}
            started.append(Web(bearer, address=address, **environment, **folder))
        yield started
    finally:
        for web in started:
            web.remove()


class Readers(Searching):
    """Clients that read the page with the results, as somebody who is signed in."""

    cookie = ""

    def _ask(self, client: httpx.Client, web: Web, query: str) -> Answer:
        began = time.monotonic()
        try:
            got = client.get(f"{web.url}/", params={"q": query}, headers={"Authorization": "", "Cookie": self.cookie})
        except httpx.TransportError as error:
            return Answer(0, None, began, time.monotonic() - began, "", repr(error))
        named = NAMED.search(got.text)
        version = int(named[1]) if named else None
        return Answer(got.status_code, version, began, time.monotonic() - began, "", got.text)


@dataclass
class Expected:
    """What each version finds, as this process opens it: whose profile says what changes with every version."""

    hits: dict[int, dict[str, list[Seen]]] = field(default_factory=dict)

    def next_round(self, number: int) -> None:
        """Let everybody do another work than in any version before."""
        people = list(Expert.objects.order_by("pk"))
        for place, expert in enumerate(people):
            title, bio = cast.PROFESSIONS[(place + number) % len(cast.PROFESSIONS)]
            expert.job_title, expert.bio = f"{title} {number}", f"{bio} Case {(place * 7 + number) % len(people)}."
        Expert.objects.bulk_update(people, ["job_title", "bio"])

    def note(self, run: RebuildRun) -> None:
        snapshot = live.load_now()
        assert snapshot.number == run.version_id
        found = {
            query: [(hit.expert.pk, round(hit.score, 6)) for hit in search.search(query, snapshot, SHOWN).hits]
            for query in QUERIES
        }
        before = self.hits.get(snapshot.number - 1)
        assert before is None or all(found[query] != before[query] for query in QUERIES)
        self.hits[snapshot.number] = found

    def mixed(self, answers: Sequence[Answer]) -> list[str]:
        """Those with a hit that the version which they name does not have there."""
        found = []
        for answer in answers:
            given = json.loads(answer.text) if answer.text.startswith("{") else None
            hits: Sequence[object]
            if given:
                query = given["query"]
                hits = [(hit["expert"]["id"], round(hit["score"], 6)) for hit in given["hits"]]
                expected: Sequence[object] = self.hits[answer.version or 0][query][: len(hits)]
            else:
                page = unescape(answer.text)
                query = next(each for each in QUERIES if f'value="{each}"' in page)
                hits = [int(key) for key in CARD.findall(page)]
                expected = [key for key, _score in self.hits[answer.version or 0][query]][: len(hits)]
            if not hits or hits != expected:
                found.append(f"version {answer.version}, {query}: {hits}, not {expected}")
        return found


def test_no_search_fails_goes_back_or_mixes_versions_while_they_change(machines, two_workers, tmp_path, client):
    until(lambda: serving() == (3, 3), "all serve the first version")
    client.force_login(cast.staff("indexing.view", username="rita"))
    expected = Expected()
    expected.note(RebuildRun.objects.get())
    with ExitStack() as stack:
        clients = [stack.enter_context(Searching(web, clients=2, pause=PAUSE)) for web in machines]
        for web in machines:
            readers = Readers(web, clients=1, pause=PAUSE)
            readers.cookie = "; ".join(f"{name}={each.value}" for name, each in client.cookies.items())
            clients.append(stack.enter_context(readers))
        for number in range(SWAPS):
            expected.next_round(number + 1)
            run = runs.request("full", cast.command_actor(), reembed=True)
            until(lambda run=run: not fresh(run).is_active, "the run ends", 300)
            assert run.state == RebuildRun.State.DONE, run.error
            expected.note(run)
            for searching in clients:
                searching.wait_for(run)
        shutil.rmtree(tmp_path / "web3" / "versions")  # as on a new disk; the open files stay readable
        for searching in clients:
            searching.more()
    published = set(IndexVersion.objects.values_list("number", flat=True))
    for searching in clients:
        searching.none_failed()
        answers = sorted(searching.answers, key=lambda answer: answer.at)
        assert {answer.version for answer in answers} <= published
        assert expected.mixed(answers) == []
        for before, after in zip(answers, answers[1:], strict=False):
            assert after.version >= before.version or after.at < before.at + before.seconds
    counts = [
        sum(len(each.answers) for each in clients if isinstance(each, Readers) is page) for page in (False, True)
    ]
    sys.stderr.write(f"{SWAPS} swaps: {counts[0]} answers of the API and {counts[1]} pages, none failed or mixed.\n")
    kept = {f"{version.number:06d}" for version in IndexVersion.objects.searchable()}
    for number in (1, 2):
        until(lambda number=number: held(tmp_path / f"web{number}") == kept, "each machine has what is kept, no more")


def serving() -> tuple[int, int]:
    now = status.serving(IndexState.read())
    return now.processes, now.current


def fresh(run: RebuildRun) -> RebuildRun:
    run.refresh_from_db()
    return run


def held(folder: Path) -> set[str]:
    return {path.name for path in (folder / "versions").iterdir()}
