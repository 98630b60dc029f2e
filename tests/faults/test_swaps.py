"""Versions change under processes that search: paused ones, many clients, and memory that is too tight once.

`TCS_TEST_SWAPS=50` is what is promised; the default is fewer, to keep `make test` short.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as real_settings

from experts.models import Expert
from indexing import encoders, status
from indexing.models import IndexState, RebuildRun
from tests import cast
from tests.faults import promises
from tests.faults.waiting import until
from tests.faults.web import Searching, Web

SWAPS = int(os.environ.get("TCS_TEST_SWAPS", "8"))
CLIENTS = 16
CONVERGES_WITHIN = 2.0
HUGE = "tests.faults.encoders.HugeEncoder"


@pytest.fixture
def external_worker() -> Iterator[None]:
    """`manage.py index_worker`, as it runs on another machine: it waits for runs."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "index_worker"],
        cwd=real_settings.BASE_DIR, env=os.environ | {"TCS_WORKER": "external"}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    yield
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def test_processes_converge_also_after_a_pause(first_version, serve, external_worker):
    one, other = serve(TCS_WORKER="external"), serve(TCS_WORKER="external")
    until(lambda: _serving() == (2, 2), "both serve the first version")
    with Searching(one, other) as searching:
        other.signal(signal.SIGSTOP)
        started = one.post("/api/admin/ingest/run", {"reembed": True})
        assert started.status_code == 202, started.text
        run = RebuildRun.objects.get(pk=started.json()["run"])
        until(lambda: promises.live() == run.version_id or _refreshed(run).state == "error", "it is published")
        within = until(lambda: one.version() == run.version_id, "the running process serves it")
        assert within < CONVERGES_WITHIN
        until(lambda: _serving() == (2, 1), "the console shows who lags behind")
        other.signal(signal.SIGCONT)
        assert until(lambda: other.version() == run.version_id, "the paused one does too") < CONVERGES_WITHIN
        until(lambda: _serving() == (2, 2), "the console shows it")
    searching.none_failed()
    assert searching.versions() == {first_version, run.version_id}


def test_no_search_fails_through_many_swaps(first_version, serve):
    web = serve()
    with Searching(web, clients=CLIENTS, pause=0) as searching:
        for _ in range(SWAPS):
            run = promises.rebuild()
            until(lambda run=run: web.version() == run.version_id, "the new version is served")
    searching.none_failed()
    assert len(searching.versions()) >= SWAPS
    promises.hold_once_idle()


def test_a_version_that_does_not_fit_into_memory_leaves_the_old_one_and_an_alarm(serve, settings, transactional_db):
    settings.TCS_ENCODER = HUGE
    encoders.reset()
    Expert.objects.bulk_create(
        Expert(
            username=f"expert-{number}", first_name="Erin", bio=f"{cast.PROFESSIONS[number % 8][1]} Case {number}."
        )
        for number in range(1_200)
    )
    first = promises.rebuild().version_id
    # Every request has threads of its own: small stacks and one heap, so that what is spared does for them.
    web = serve(TCS_ENCODER=HUGE, stack_kb=512, MALLOC_ARENA_MAX="1")
    # By words: OpenBLAS takes 32 MB for every multiplication at once, and ends the process where it gets none.
    with Searching(web, clients=CLIENTS, pause=0.1, mode="keyword") as searching:
        searching.more(4 * CLIENTS)
        limit_memory(web, spare_mb=28)
        promises.rebuild()
        until(lambda: web.readiness() == "degraded", "the alarm is raised")
        until(lambda: status.serving(IndexState.read()).problems, "the console shows it")
        assert web.version("keyword") == first
        searching.more(2 * CLIENTS)
        assert searching.versions() == {first}
        limit_memory(web, spare_mb=None)
        last = promises.rebuild().version_id
        until(lambda: web.version("keyword") == last, "the next version is served")
        until(lambda: web.readiness() == "ready", "the alarm is over")
    searching.none_failed()


def limit_memory(web: Web, spare_mb: int | None) -> None:
    """Leave a running process hardly any address space beyond what it has; None takes the limit away."""
    if spare_mb is None:
        limit = resource.RLIM_INFINITY
    else:
        pages = int(Path(f"/proc/{web.process.pid}/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + (spare_mb << 20)
    resource.prlimit(web.process.pid, resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))


def _serving() -> tuple[int, int]:
    now = status.serving(IndexState.read())
    return now.processes, now.current


def _refreshed(run: RebuildRun) -> RebuildRun:
    run.refresh_from_db()
    return run
