"""`python -m tests.benchmarks search`: how long a search takes, idle and during a rebuild."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.core.management import call_command

from tests.benchmarks import derived_encoder, measure_search
from tests.benchmarks.common import copy_exports, own_environment, positive, print_json, report, run_inside

HELP = (
    "Measure the search on sample directories, in a temporary data folder. "
    "Takes about ten minutes on an idle machine of two processors, and all their time."
)
SIZES = (10_000, 100_000)
CLIENTS = (1, 4, 16)
STATES = ("idle", "rebuild")
NOTE = (
    "Sample experts. {real:,} of their texts are really encoded, the other vectors are derived from those: perturbed "
    "by a random vector of length {noise} and normalised. Queries are encoded. Milliseconds. Load: of the whole "
    "machine; if it exceeds its {processors} processors, other programs slowed the figures down."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--experts", type=positive, nargs="+", default=SIZES, help="sizes of the directory (%(default)s)")
    add("--clients", type=positive, nargs="+", default=CLIENTS, help="how many search at once (%(default)s)")
    add("--state", choices=STATES, nargs="+", default=STATES, help="beside a rebuild or not (%(default)s)")
    add(
        "--searches",
        type=positive,
        default=480,
        help="of each combination, all clients together: a third each to the API, of the page, and "
        "within the process (%(default)s)",
    )
    add("--json", action="store_true", help="one JSON object on stdout")
    add("--inside", choices=("prepare", "measure"), help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> None:
    """Print the figures. Raises BenchmarkFailed and IndexingError."""
    if options.inside == "prepare":
        call_command("migrate", interactive=False, verbosity=0)
        measure_search.prepare(options.experts[0])
        return
    if options.inside == "measure":
        sys.stdout.write(json.dumps(measure_search.measure(options.clients, options.state, options.searches, report)))
        return
    note = NOTE.format(real=derived_encoder.REAL, noise=derived_encoder.NOISE, processors=os.cpu_count())
    sizes = [_in_own_folder(size, options) for size in options.experts]
    if options.json:
        print_json({"note": note, "processors": os.cpu_count(), "sizes": sizes})
        return
    sys.stdout.write("\n".join([*(line for size in sizes for line in table(size)), note, ""]))


def _in_own_folder(size: int, options: argparse.Namespace) -> dict[str, Any]:
    arguments = ["--experts", str(size), "--searches", str(options.searches)]
    arguments += ["--clients", *map(str, options.clients), "--state", *options.state]
    with tempfile.TemporaryDirectory(prefix="tcs-benchmark-") as folder:
        copy_exports(Path(folder))
        report(f"Preparing {size:,} experts")
        run_inside(["search", "--inside", "prepare", *arguments], own_environment(folder, "prepare"))
        inside = run_inside(["search", "--inside", "measure", *arguments], own_environment(folder, "measure"))
    measured: dict[str, Any] = json.loads(inside)
    return measured


def table(size: dict[str, Any]) -> list[str]:
    """The lines that show what `measure_search.measure` found for one size."""
    steps = list(size["measured"][0]["steps"])
    lines = [
        f"{size['experts']:,} experts under {size['backend']}: opened in {size['seconds_to_open']} s, "
        f"model loaded in {size['seconds_to_load_the_model']} s; first search {size['first_search_ms']} ms; "
        f"peak {size['peak_mb']} MB",
        f"{'p50 / p95 / p99':24}{'search':>28}{'API':>28}{'page':>28}  load  steps p50/p95/p99",
    ]
    for each in size["measured"]:
        per_step = "  ".join(f"{step} {_percentiles(each['steps'][step], '/')}" for step in steps)
        lines.append(
            f"{each['state']:8} {each['clients']:>3} at once {each['cache']:4}{_percentiles(each['search']):>28}"
            f"{_percentiles(each['request']):>28}{_percentiles(each['page']):>28} {each['load']:>5}  {per_step}"
        )
    return [*lines, *_slowdowns(size["measured"]), ""]


def _slowdowns(measured: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The p99 during a rebuild as a multiple of the idle p99, for the same clients and cache."""
    idle = {(each["clients"], each["cache"]): each for each in measured if each["state"] == "idle"}
    for each in measured:
        alone = idle.get((each["clients"], each["cache"]))
        if each["state"] == "rebuild" and alone:
            ratios = ", ".join(
                f"{name} {each[key]['p99'] / alone[key]['p99']:.2f}"
                for name, key in (("search", "search"), ("API", "request"), ("page", "page"))
            )
            yield f"p99 during a rebuild / idle, {each['clients']:>3} at once {each['cache']:4}: {ratios}"


def _percentiles(milliseconds: dict[str, float], between: str = " / ") -> str:
    return between.join(str(value) for value in milliseconds.values())
