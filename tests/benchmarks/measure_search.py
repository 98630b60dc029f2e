"""How long searches take for several clients at once; runs in a process with a data folder of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from random import Random
from typing import Any, Literal
from urllib.parse import urlencode

import numpy as np
from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from experts.samples import generator
from indexing import encoders, runs, search
from indexing.audit import Actor
from indexing.encoders import onnx_export
from indexing.lib import processes
from indexing.models import RebuildRun
from indexing.serving import live
from indexing.worker import execute
from tcs_site.http_server.handler import UploadHandler
from tcs_site.sqlite.base import keep_connections
from tests.benchmarks import derived_encoder
from tests.benchmarks.common import BenchmarkFailed

State = Literal["idle", "rebuild"]

API, PAGE = "/api/search", "/"
K = 10
PERCENTILES = (50, 95, 99)
ACTOR = Actor("benchmark", RebuildRun.Via.COMMAND)
ANSWER_SECONDS = 60
WORKER_SECONDS = 300
"""How long a rebuild may take until it encodes."""


@dataclass(frozen=True, slots=True)
class SearchMeasurement:
    """Milliseconds at the 50th, 95th and 99th percentile."""

    experts: int
    state: State
    clients: int
    cache: Literal["cold", "warm"]
    """cold: queries not seen before; warm: the same ones again, whose vectors are cached"""
    searches: int
    request: dict[str, float]
    """Of a whole request to the API, including all middleware and the session."""
    page: dict[str, float]
    """Of a whole request of the search page by htmx, with twice as many hits."""
    search: dict[str, float]
    """Of the search alone, from the query to the result cards."""
    steps: dict[str, dict[str, float]]
    load: float
    """Of the machine over the last minute: how far the figures can be trusted."""


@dataclass(frozen=True, slots=True)
class Durations:
    """Seconds of single searches."""

    requests: list[float]
    pages: list[float]
    results: list[search.Results]


def prepare(count: int) -> None:
    """A directory of `count` samples, a version of it, and a member of staff, in this process's own data folder."""
    onnx_export.ensure(derived_encoder.DerivedEncoder().model)
    generator.load_samples(count)
    User.objects.create_user("benchmark", is_staff=True)
    asked = runs.request(RebuildRun.Kind.FULL, ACTOR)
    claimed = runs.claim(processes.me(), asked.pk)
    if claimed is None:
        raise BenchmarkFailed("Another worker took the run.")
    run = execute.execute(claimed)
    if run.state != RebuildRun.State.DONE:
        raise BenchmarkFailed(run.error)


def measure(
    clients: Sequence[int], states: Sequence[State], searches: int, report: Callable[[str], None]
) -> dict[str, Any]:
    """Every combination of clients, states and cache, in one process that serves the prepared version.

    Times in seconds unless the key says milliseconds; `measured` holds one `SearchMeasurement` per combination.
    """
    keep_connections()  # as a web process does
    began = time.perf_counter()
    snapshot = live.load_now()
    opened = time.perf_counter() - began
    encoders.loaded()
    loaded = time.perf_counter() - began - opened
    words = queries(len(snapshot))
    first = search.search(next(words), snapshot, K)
    found: list[SearchMeasurement] = []
    for state in states:
        with rebuilding() if state == "rebuild" else idle() as check_running:
            for number in clients:
                asked = [[next(words) for _ in range(max(searches // number, 3))] for _ in range(number)]
                for cache in ("cold", "warm"):
                    report(f"{len(snapshot):,} experts, {state}, {number} clients, {cache}")
                    check_running()
                    found.append(summary(ask_all(asked), len(snapshot), state, number, cache))
    return {
        "experts": len(snapshot),
        "backend": _backend(),
        "seconds_to_open": round(opened, 3),
        "seconds_to_load_the_model": round(loaded, 3),
        "first_search_ms": round(first.seconds * 1000, 2),
        "peak_mb": processes.peak_mb(),
        "measured": [asdict(each) for each in found],
    }


def _backend() -> str | None:
    encoder = encoders.loaded()
    return encoder.model.backend if isinstance(encoder, derived_encoder.DerivedEncoder) else None


def queries(experts: int) -> Iterator[str]:
    """Two to six successive words of a sample's text, no query twice: both kinds of search find something."""
    random = Random(7)
    asked: set[str] = set()
    texts = [
        f"{each.job_title} {each.company} {each.bio}".split()
        for each in generator.generate_experts(min(experts, 2_000))
    ]
    while True:
        text = random.choice(texts)
        start, count = random.randrange(len(text)), random.randint(2, 6)
        query = " ".join(text[start : start + count])
        if query not in asked:
            asked.add(query)
            yield query


def ask_all(asked: Sequence[Sequence[str]]) -> Durations:
    """Each client sends its queries one after the other, all clients at once, as they reach the server's process."""
    signed_in = Client()
    signed_in.force_login(User.objects.get(username="benchmark"))
    cookie = f"{settings.SESSION_COOKIE_NAME}={signed_in.cookies[settings.SESSION_COOKIE_NAME].value}"
    application = UploadHandler()
    taken = Durations([], [], [])

    async def ask(texts: Sequence[str]) -> None:
        for number, text in enumerate(texts):  # in turn, so that all three kinds meet the same conditions
            if number % 3 == 0:
                taken.requests.append(await request_seconds(application, cookie, API, {"q": text, "k": str(K)}))
            elif number % 3 == 1:
                taken.pages.append(await request_seconds(application, cookie, PAGE, {"q": text}))
            else:
                taken.results.append(await asyncio.to_thread(searched, text))

    async def ask_together() -> None:
        await asyncio.gather(*(ask(texts) for texts in asked))

    asyncio.run(ask_together())
    return taken


def searched(text: str) -> search.Results:
    try:
        return search.search(text, live.current(), K)
    finally:
        connection.close()  # as after each request


async def request_seconds(application: Any, cookie: str, path: str, parameters: Mapping[str, str]) -> float:
    """Seconds of a GET from its ASGI message to the last one of the response: everything but the socket."""
    headers = [(b"host", b"localhost"), (b"cookie", cookie.encode()), (b"hx-request", b"true")]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": urlencode(parameters).encode(),
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    conversation = ApplicationCommunicator(application, scope)
    began = time.perf_counter()
    await conversation.send_input({"type": "http.request", "body": b""})
    answer = await conversation.receive_output(timeout=ANSWER_SECONDS)
    while (await conversation.receive_output(timeout=ANSWER_SECONDS)).get("more_body"):
        pass
    seconds = time.perf_counter() - began
    await conversation.wait()
    if answer["status"] != 200:
        raise BenchmarkFailed(f"{path} answered with status {answer['status']}.")
    return seconds


def summary(
    taken: Durations, experts: int, state: State, clients: int, cache: Literal["cold", "warm"]
) -> SearchMeasurement:
    steps = taken.results[0].timings
    return SearchMeasurement(
        experts=experts,
        state=state,
        clients=clients,
        cache=cache,
        searches=len(taken.requests) + len(taken.pages) + len(taken.results),
        request=percentiles(taken.requests),
        page=percentiles(taken.pages),
        search=percentiles([each.seconds for each in taken.results]),
        steps={step: percentiles([each.timings.get(step, 0.0) for each in taken.results]) for step in steps},
        load=round(os.getloadavg()[0], 1),
    )


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """The PERCENTILES of times in seconds, in milliseconds: {"p50": ..., "p95": ..., "p99": ...}."""
    values = np.percentile(seconds, PERCENTILES) * 1000
    return {f"p{name}": round(float(value), 2) for name, value in zip(PERCENTILES, values, strict=True)}


@contextmanager
def idle() -> Iterator[Callable[[], None]]:
    yield lambda: None


@contextmanager
def rebuilding() -> Iterator[Callable[[], None]]:
    """A worker that encodes every text again, started as `launch` would, and stopped afterwards.

    Yields a function that raises BenchmarkFailed if the worker has already ended.
    """
    run = runs.request(RebuildRun.Kind.FULL, ACTOR, reembed=True)
    everything = {"TCS_ENCODER": "tests.benchmarks.derived_encoder.FullEncoder"}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "index_worker", "--low-priority", "--run", str(run.pk)],
        env=os.environ | everything | {"OMP_NUM_THREADS": str(settings.TCS_WORKER_THREADS)},
        cwd=settings.BASE_DIR,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def check_running() -> None:
        if process.poll() is not None:
            run.refresh_from_db()
            raise BenchmarkFailed(f"The rebuild ended before the measurement did: {run.error or run.state}")

    try:
        give_up = time.monotonic() + WORKER_SECONDS
        while not RebuildRun.objects.filter(pk=run.pk, stage=RebuildRun.Stage.EMBED, done__gt=0).exists():
            check_running()
            if time.monotonic() > give_up:
                raise BenchmarkFailed(f"The rebuild did not begin to encode within {WORKER_SECONDS} s.")
            time.sleep(0.2)
        yield check_running
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
