"""Versions change under processes that search: paused ones, many clients, and memory that is too tight once.

`TCS_TEST_SWAPS=50` is what is promised, with the real model too; the default is fewer, to keep `make test` short.
"""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as real_settings

from experts.models import Expert
from indexing import encoders
from indexing.models import IndexState, RebuildRun, versions
from indexing.runs import status
from tests.faults import promises, workers
from tests.faults.marks import GO_ON, PAUSED
from tests.faults.waiting import SELDOM, Promptly, until
from tests.faults.web import Searching, Web
from tests.support import cast, forked

GATED = "tests.faults.encoders.GatedEncoder"
PROMISED_SWAPS = 50
SWAPS = int(os.environ.get("TCS_TEST_SWAPS", "4"))
CLIENTS = 16
PAUSE = 0.05 if SWAPS >= PROMISED_SWAPS else 0.5
"""Of each client after an answer, while the test does not wait for more: then all ask at once."""
CONVERGES_WITHIN = 2.0


@pytest.fixture
def external_worker() -> Iterator[None]:
    """`manage.py index_worker`, as it runs on another machine: it waits for runs, and in each for `GO_ON`."""
    workers.clear_marks()
    process = forked.start(["index_worker"], os.environ | {"TCS_WORKER": "external", "TCS_ENCODER": GATED})
    yield
    process.end()


def test_processes_converge_also_after_a_pause(first_version, serve, external_worker, monkeypatch):
    monkeypatch.setattr(versions, "SEEN_WITHIN", timedelta(minutes=1))  # a busy machine may build for over 10 s
    one, other = serve(TCS_WORKER="external"), serve(TCS_WORKER="external")
    until(lambda: _serving() == (2, 2), "both serve the first version")
    with Searching(one, other) as searching:
        started = one.post("/api/admin/ingest/run", {"reembed": True})
        assert started.status_code == 202, started.text
        run = RebuildRun.objects.get(pk=started.json()["run"])
        until((real_settings.DATA_DIR / PAUSED).exists, "the worker has started and encodes")
        other.signal(signal.SIGSTOP)
        (real_settings.DATA_DIR / GO_ON).touch()
        until(lambda: promises.live() == run.version_id or _refreshed(run).state == "failed", "it is published")
        with Promptly("the running process serves it", CONVERGES_WITHIN, one.process.pid):
            until(lambda: one.version() == run.version_id, "the running process serves it")
        until(lambda: _serving() == (2, 1), "the console shows who lags behind")
        assert _who() == {one.process.pid: run.version_id, other.process.pid: first_version}
        with Promptly("the paused one does too", CONVERGES_WITHIN, other.process.pid):
            other.signal(signal.SIGCONT)
            until(lambda: other.version() == run.version_id, "the paused one does too")
        until(lambda: _serving() == (2, 2), "the console shows it")
        searching.more()
        assert searching.versions() == {first_version, run.version_id}
        following = RebuildRun.objects.get(pk=other.post("/api/admin/ingest/run").json()["run"])
        until(lambda: not _refreshed(following).is_active, "the next run works")
        assert following.state == RebuildRun.State.DONE, following.error
        searching.wait_for(following)
    searching.none_failed()
    promises.hold_once_idle()


@dataclass(frozen=True, slots=True)
class House:
    """Who is searched with which model, and how tight the memory gets."""

    encoder: str
    experts: int
    spare_mb: int

    def __str__(self) -> str:
        return self.encoder.rpartition(".")[2]


# A version of 19 MB where 12 are free; and the real model, where a small version would leave searches too little.
BULKY = House("tests.faults.encoders.BulkyEncoder", experts=250, spare_mb=12)
REAL = House("indexing.encoders.ModelEncoder", experts=150, spare_mb=60)


@pytest.mark.parametrize("house", [BULKY, *([REAL] if SWAPS >= PROMISED_SWAPS else [])], ids=str)
def test_no_search_fails_through_many_swaps_of_which_one_does_not_fit(house, serve, settings, transactional_db):
    """Hybrid searches that all need encoding: the memory that is kept free for them is enough for 16 at once."""
    settings.TCS_ENCODER = house.encoder
    encoders.reset()
    Expert.objects.bulk_create(
        Expert(
            username=f"expert-{number}", first_name="Erin", bio=f"{cast.PROFESSIONS[number % 8][1]} Case {number}."
        )
        for number in range(house.experts)
    )
    promises.rebuild()
    # Every request has threads of its own: small stacks and one heap, so that address space is what memory is.
    web = serve(TCS_ENCODER=house.encoder, stack_kb=512, MALLOC_ARENA_MAX="1")
    with Searching(web, clients=CLIENTS, pause=PAUSE, all_different=True) as searching:
        for _ in range(SWAPS // 2):
            swap(web)
            searching.more(2 * CLIENTS)
        served = promises.live()
        limit_memory(web, house.spare_mb)
        promises.rebuild()
        until(lambda: web.readiness() == "degraded", "the alarm is raised", every=SELDOM)
        until(lambda: status.serving(IndexState.read()).problems, "the console shows it")
        mark = searching.mark()
        searching.more(4 * CLIENTS)
        assert searching.versions(mark) == {served}
        limit_memory(web, spare_mb=None)
        for _ in range(SWAPS - SWAPS // 2):
            swap(web)
            searching.more(2 * CLIENTS)
        until(lambda: web.readiness() == "ready", "the alarm is over", every=SELDOM)
    searching.none_failed()
    assert len(searching.versions()) >= SWAPS
    promises.hold_once_idle()


def swap(web: Web) -> None:
    run = promises.rebuild()
    web.serves(run.version_id)


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


def _who() -> dict[int, int | None]:
    return {server.pid: server.version for server in status.serving(IndexState.read()).each}


def _refreshed(run: RebuildRun) -> RebuildRun:
    run.refresh_from_db()
    return run
