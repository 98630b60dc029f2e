"""A whole directory from its first rebuild to its searches: seconds and memory of every stage.

Each step runs in a process with a data folder of its own.
"""

from __future__ import annotations

import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Value
from django.db.models.functions import Concat, Length, Substr

from experts.models import Expert
from experts.samples import generator
from indexing import encoders, runs, search
from indexing.encoders import onnx_export
from indexing.lib import processes
from indexing.models import RebuildRun
from indexing.models.searches import Mode
from indexing.search.filters import Filters
from indexing.serving import live
from indexing.snapshot.recall import TIE, Truth
from indexing.snapshot.vectors import compare_each
from indexing.worker import execute
from tests.benchmarks.common import BenchmarkFailed
from tests.benchmarks.derived_encoder import DerivedEncoder
from tests.benchmarks.measure_search import ACTOR, K, percentiles, queries, searched

LOOK_SECONDS = 0.05
AT_ONCE = 20_000
REPEATED = 100_000
CHANGED = 100
"""One expert in this many is changed before the second rebuild."""
NEW_BYTES = 4
"""of the word in hex digits that takes the place of the last ones of a changed bio"""
QUERIES = 200
SAMPLE = 1_000
NEAREST = 100


@dataclass
class MemoryOfStages:
    """The most anonymous memory (without mapped files) of this process in each stage, in MB, by a thread."""

    peaks: dict[str, int] = field(default_factory=dict)
    processor_seconds: dict[str, float] = field(default_factory=dict)
    stage: str = "start"
    _ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        threading.Thread(target=self._look, daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ended.set()

    def _look(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            self.peaks[self.stage] = max(self.peaks.get(self.stage, 0), anonymous_mb())


def anonymous_mb() -> int:
    """Anonymous memory of this process, in MB: without the mapped files, which the system may drop at any time."""
    found = re.search(r"RssAnon:\s+(\d+)", Path("/proc/self/status").read_text())
    if found is None:
        raise BenchmarkFailed("Anonymous memory can be measured on Linux only.")
    return int(found[1]) >> 10


def fill(count: int) -> dict[str, Any]:
    """A directory of `count` experts, and the model's export: samples, and beyond REPEATED of them the same ones with
    other names and texts."""
    began = time.perf_counter()
    onnx_export.ensure(DerivedEncoder().model)
    made = generator.generate_experts(min(count, REPEATED))
    while batch := list(islice(made, AT_ONCE)):
        with transaction.atomic():
            Expert.objects.bulk_create(batch, batch_size=1_000)
    if count > REPEATED:
        _repeat(count)
    return {"seconds": time.perf_counter() - began}


def _repeat(count: int) -> None:
    first = Expert.objects.order_by("pk").values_list("pk", flat=True)[0]
    columns = [each.column for each in Expert._meta.concrete_fields]
    for number in range(1, -(-count // REPEATED)):
        changes = {
            "id": f"id + {number * REPEATED}",
            "username": f"username || '-{number}'",
            "username_key": f"username_key || '-{number}'",
            "last_name": f"last_name || '{chr(ord('a') + number % 26)}'",
            "bio": f"bio || ' Assignment ' || (id * {number}) || ' for team {number}.'",
        }
        values = ", ".join(changes.get(name, name) for name in columns)
        last = first + min(REPEATED, count - number * REPEATED)
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {Expert._meta.db_table} ({', '.join(columns)}) "  # noqa: S608  nothing from outside
                f"SELECT {values} FROM {Expert._meta.db_table} WHERE id >= {first} AND id < {last}"
            )


def change() -> dict[str, Any]:
    """Another bio for one expert in CHANGED, as long as the one before."""
    keys = list(Expert.objects.order_by("pk").values_list("pk", flat=True)[::CHANGED])
    word = secrets.token_hex(NEW_BYTES)
    for start in range(0, len(keys), 500):
        some = Expert.objects.filter(pk__in=keys[start : start + 500])
        some.update(bio=Concat(Substr("bio", 1, Length("bio") - len(word)), Value(word)))
    return {"experts": len(keys)}


@contextmanager
def _stages_named(memory: MemoryOfStages) -> Iterator[None]:
    """Tell `memory` which stage is running: the reporter's own `show` says so only once something is done."""
    original = execute.RunReporter.stage

    @contextmanager
    def named(self: Any, name: str) -> Iterator[Any]:
        memory.stage, began = name, time.process_time()
        with original(self, name) as stage:
            yield stage
        memory.processor_seconds[name] = round(time.process_time() - began, 1)

    execute.RunReporter.stage = named  # type: ignore[method-assign]
    try:
        yield
    finally:
        execute.RunReporter.stage = original  # type: ignore[method-assign]


def rebuild() -> dict[str, Any]:
    """A rebuild as a worker does it: seconds and anonymous memory of every stage."""
    asked = runs.request(RebuildRun.Kind.FULL, ACTOR)
    claimed = runs.claim(processes.me(), asked.pk)
    if claimed is None:
        raise BenchmarkFailed("Another worker took the run.")
    began = time.perf_counter()
    with MemoryOfStages() as memory, _stages_named(memory):
        run = execute.execute(claimed)
    seconds = time.perf_counter() - began
    if run.state != RebuildRun.State.DONE:
        raise BenchmarkFailed(run.error or str(run.gate))
    return {
        "seconds": seconds,
        "stages": {each["stage"]: each["seconds"] for each in run.stages},
        "processor_seconds": memory.processor_seconds,
        "anonymous_mb": memory.peaks,
        "peak_mb": run.peak_mb,
        "log": [each["summary"] for each in run.stages],
    }


def serve() -> dict[str, Any]:
    """Open the live version as a web process does, and search it."""
    before = anonymous_mb()
    with MemoryOfStages() as memory:
        began = time.perf_counter()
        snapshot = live.load_now()
        opened = time.perf_counter() - began
        opened_mb = anonymous_mb()
        encoders.loaded()
        figures = {
            "experts": len(snapshot),
            "ann": f"{snapshot.manifest.ann_kind} {snapshot.manifest.ann_effort} {snapshot.manifest.ann_recall}",
            "version_mb": snapshot.manifest.bytes >> 20,
            "opened": opened,
            "anonymous_mb_before": before,
            "anonymous_mb_opened": opened_mb,
        }
        figures |= _vectors(snapshot)
        figures |= _whole(snapshot)
        figures["anonymous_mb_searched"] = anonymous_mb()
    figures["anonymous_mb_peak"] = max(memory.peaks.values())
    figures["load"] = round(os.getloadavg()[0], 1)
    return figures


def _vectors(snapshot: Any) -> dict[str, Any]:
    truth = Truth.of(snapshot.matrix, SAMPLE)
    index = snapshot.meaning.index
    for vector in truth.queries[:50]:
        snapshot.semantic(vector, NEAREST)
    ten = _milliseconds(lambda vector: snapshot.semantic(vector, 10), truth.queries)
    hundred = _milliseconds(lambda vector: snapshot.semantic(vector, NEAREST), truth.queries)
    deep = _milliseconds(lambda vector: snapshot.semantic(vector, settings.TCS_SEARCH_SEMANTIC_DEPTH), truth.queries)
    some = truth.queries[:100]
    return {
        "recall": truth.recall(index),
        "vectors_10": ten,
        "vectors_100": hundred,
        "vectors_500": deep,
        "filters": {name: _filtered(snapshot, filters, some) for name, filters in _filters(snapshot)},
    }


def _filters(snapshot: Any) -> Iterator[tuple[str, Filters]]:
    facets = snapshot.facets
    categories = facets.category_counts()
    yield "category", Filters(categories=(next(reversed(categories)),))
    yield "currency", Filters(currency=next(iter(facets.currency_counts())))
    tags = facets.tag_counts()
    if tags:
        yield "rare tag", Filters(tags=(min(tags, key=lambda each: tags[each]),))
        yield "frequent tag", Filters(tags=(max(tags, key=lambda each: tags[each]),))


def _filtered(snapshot: Any, filters: Filters, vectors: Any) -> dict[str, Any]:
    only = filters.prefilter(snapshot)
    assert only is not None
    times = _milliseconds(lambda vector: snapshot.semantic(vector, 10, only), vectors)
    rows = np.flatnonzero(snapshot.meaning.passages.counted(only.mask))
    hits = found = 0
    for vector in vectors[:20]:
        least = compare_each(snapshot.matrix, vector, min(10, len(rows)), rows)[1][-1]
        near = snapshot.meaning.index.reader(vector, only)(10)[1]
        hits += int((near >= least - TIE).sum())
        found += min(10, len(rows))
    return {"experts": only.count, "recall": hits / found, **times}


def _milliseconds(ask: Callable[[Any], object], vectors: Any) -> dict[str, float]:
    times = []
    for vector in vectors:
        began = time.perf_counter()
        ask(vector)
        times.append(time.perf_counter() - began)
    return percentiles(times)


def _whole(snapshot: Any) -> dict[str, Any]:
    """Whole searches of queries that were not asked before, with the real model, one after another."""
    words = queries(len(snapshot))
    first = search.search(next(words), snapshot, K)
    for _ in range(20):
        searched(next(words))
    asked = [next(words) for _ in range(QUERIES)]
    results = [searched(text) for text in asked]
    warm = [searched(text) for text in asked]
    filters = Filters(currency=next(iter(snapshot.facets.currency_counts())))
    narrowed = [search.search(next(words), snapshot, K, filters=filters) for _ in range(QUERIES // 4)]
    by_words = [search.search(next(words), snapshot, K, Mode.KEYWORD) for _ in range(QUERIES // 4)]
    steps = results[0].timings
    return {
        "first_search_ms": first.seconds * 1000,
        "search": percentiles([each.seconds for each in results]),
        "steps": {step: percentiles([each.timings.get(step, 0.0) for each in results]) for step in steps},
        "search_again": percentiles([each.seconds for each in warm]),
        "search_filtered": percentiles([each.seconds for each in narrowed]),
        "search_by_words": percentiles([each.seconds for each in by_words]),
    }
