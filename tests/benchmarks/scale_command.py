"""`python -m tests.benchmarks scale`: how a very large directory is built and searched, or its vectors alone."""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management import call_command
from numpy.typing import NDArray

from indexing.snapshot.recall import Truth, least_effort
from indexing.snapshot.vectors import BLOCK, VectorIndex, build_index
from tests.benchmarks import measure_scale
from tests.benchmarks.common import (
    BenchmarkFailed,
    copy_exports,
    own_environment,
    positive,
    print_json,
    report,
    run_inside,
)
from tests.benchmarks.derived_encoder import perturbed

HELP = (
    "Measure a large directory in a data folder of its own: its rebuild, its searches, a rebuild after 1 % changed. "
    "Or, with --vectors, only the vector index. Most vectors are derived from real ones, moved at random."
)
STEPS = ("fill", "rebuild", "serve", "change", "again")
QUERIES = 1_000
HITS = 100
NOTE = "One query after another, first {hits} hits, mapped files, one thread. Load of the whole machine: {load:.1f}"


@dataclass(frozen=True, slots=True)
class Measured:
    """Times in seconds but for `p50_ms` and `p95_ms`; memory in MB: the process's peak, mapped files included."""

    vectors: int
    dimension: int
    build: float
    choose: float
    effort: int
    recall: float
    index_mb: int
    opened: float
    p50_ms: float
    p95_ms: float
    recall_opened: float
    peak_mb: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--vectors", type=Path, help="vectors.npy of a version, to measure the vector index alone")
    add("--folder", type=Path, help="data folder to make and to measure in; it is kept")
    add("--step", choices=STEPS, nargs="+", default=STEPS, help="in this folder (all of them)")
    add("--experts", type=positive, default=100_000, help="(%(default)s)")
    add("--json", action="store_true", help="one JSON object on stdout; with --folder always")
    add("--inside", choices=STEPS, help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> None:
    """Print the figures. Raises BenchmarkFailed."""
    if options.inside:
        print_json(_inside(options.inside, options.experts))
        return
    if options.folder:
        print_json({step: _step(step, options) for step in options.step})
        return
    if not options.vectors:
        raise BenchmarkFailed("Name a folder to measure in (--folder), or a file of vectors (--vectors).")
    with tempfile.TemporaryDirectory(prefix="tcs-scale-") as folder:
        measured = measure(derive(options.vectors, options.experts, Path(folder)), Path(folder))
    figures = {name: round(value, 4) for name, value in asdict(measured).items()}
    note = NOTE.format(hits=HITS, load=os.getloadavg()[0])
    if options.json:
        print_json({"note": note, **figures})
    else:
        sys.stdout.write("".join(f"{name:14} {value:>12,}\n" for name, value in figures.items()) + f"\n{note}\n")


def _step(step: str, options: argparse.Namespace) -> Any:
    """One step, in a process of its own, so that its memory is its own."""
    options.folder.mkdir(parents=True, exist_ok=True)
    copy_exports(options.folder)
    report(f"{options.experts:,} experts: {step}")
    environment = own_environment(str(options.folder), "measure" if step == "serve" else "prepare")
    return json.loads(run_inside(["scale", "--inside", step, "--experts", str(options.experts)], environment))


def _inside(step: str, experts: int) -> dict[str, Any]:
    began, load = time.perf_counter(), os.getloadavg()[0]
    if step == "fill":
        call_command("migrate", interactive=False, verbosity=0)
        figures = measure_scale.fill(experts)
    elif step == "serve":
        figures = measure_scale.serve()
    elif step == "change":
        figures = measure_scale.change()
    else:
        figures = measure_scale.rebuild()
    loads = [round(each, 1) for each in (load, os.getloadavg()[0])]
    return {**figures, "seconds_in_all": round(time.perf_counter() - began, 1), "load": loads}


def derive(source: Path, count: int, folder: Path) -> NDArray[np.float32]:
    """float32[count, d], mapped: the first ones as they are in `source`."""
    try:
        base = np.load(source, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise BenchmarkFailed(f"{source} cannot be read: {error}") from error
    path = folder / "vectors.npy"
    made = np.lib.format.open_memmap(path, "w+", np.float32, (count, base.shape[1]))
    random = np.random.default_rng(1)
    for start in range(0, count, BLOCK):
        block = made[start : start + BLOCK]
        block[:] = perturbed(base[random.integers(len(base), size=len(block))], random)
    made[: len(base)] = base[:count]
    made.flush()
    return np.load(path, mmap_mode="r", allow_pickle=False)


def measure(vectors: NDArray[np.float32], folder: Path) -> Measured:
    target = folder / "ann.faiss"
    began = time.perf_counter()
    index = build_index(vectors, target)
    built = time.perf_counter()
    quality = least_effort(index, vectors)
    chosen = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KB
    del index
    opening = time.perf_counter()
    opened = VectorIndex.open(target, quality.effort)
    ready = time.perf_counter()
    truth = Truth.of(vectors, QUERIES)
    times = []
    for query in truth.queries:
        asked = time.perf_counter()
        opened.search(query[np.newaxis], HITS)
        times.append(time.perf_counter() - asked)
    return Measured(
        vectors=len(vectors),
        dimension=vectors.shape[1],
        build=built - began,
        choose=chosen - built,
        effort=quality.effort,
        recall=quality.recall,
        index_mb=target.stat().st_size >> 20,
        opened=ready - opening,
        p50_ms=float(np.median(times)) * 1000,
        p95_ms=float(np.quantile(times, 0.95)) * 1000,
        recall_opened=truth.recall(opened),
        peak_mb=peak >> 10,
    )
