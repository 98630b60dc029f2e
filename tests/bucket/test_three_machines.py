"""Three web machines and two workers, each with a data folder of its own: versions change under those who search.

`TCS_TEST_SWAPS=50` is what is promised; the default is fewer, to keep `make test` short.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as real_settings
from django.db import connection

from indexing import runs
from indexing.models import IndexState, IndexVersion, RebuildRun
from indexing.runs import status
from indexing.versions import data_folder
from tests.faults.waiting import until
from tests.faults.web import Searching, Web, token
from tests.support import cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]

SWAPS = int(os.environ.get("TCS_TEST_SWAPS", "2"))
ADDRESSES = ("127.0.0.2", "127.0.0.3", "127.0.0.4")


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
        subprocess.Popen(
            [sys.executable, "manage.py", "index_worker"],
            cwd=real_settings.BASE_DIR,
            env=os.environ | environment | {"TCS_DATA_DIR": str(tmp_path / f"worker{number}")},
            stderr=subprocess.DEVNULL,
        )
        for number in (1, 2)
    ]
    yield
    for process in started:
        process.terminate()
    for process in started:
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


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
            started.append(Web(bearer, address=address, executed=True, **environment, **folder))
        yield started
    finally:
        for web in started:
            web.remove()


def test_no_search_fails_or_goes_back_while_versions_change(machines, two_workers, tmp_path):
    until(lambda: serving() == (3, 3), "all serve the first version")
    with ExitStack() as stack:
        clients = [stack.enter_context(Searching(web, clients=2, pause=0.1)) for web in machines]
        for _ in range(SWAPS):
            run = runs.request("full", cast.command_actor(), reembed=True)
            until(lambda run=run: not fresh(run).is_active, "the run ends", 120)
            assert run.state == RebuildRun.State.DONE, run.error
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
        for before, after in zip(answers, answers[1:], strict=False):
            assert after.version >= before.version or after.at < before.at + before.seconds
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
