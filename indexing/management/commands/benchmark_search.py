"""manage.py benchmark_search: how long a search takes, idle and during a rebuild."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from indexing.benchmarks import derived, searching
from indexing.errors import IndexingError
from indexing.lib import paths

SIZES = (10_000, 100_000)
CLIENTS = (1, 4, 16)
STATES = ("idle", "rebuild")
NOTE = (
    "Sample experts. {real:,} of their texts are really encoded, the other vectors are derived from those: perturbed "
    "by a random vector of length {noise} and normalised. Queries are encoded. Milliseconds. Load: what the whole "
    "machine had to do; beyond its {processors} processors the figures tell of others' work as well."
)


def positive(value: str) -> int:
    if not value.isdecimal() or not int(value):
        raise argparse.ArgumentTypeError(f"{value!r} is not a whole number from 1")
    return int(value)


class Command(BaseCommand):
    help = (
        "Measure the search over sample directories, in a temporary data folder: yours is left alone. "
        "Takes about ten minutes on an idle machine of two processors, and all their time."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("--experts", type=positive, nargs="+", default=SIZES, help="sizes of the directory (%(default)s)")
        add("--clients", type=positive, nargs="+", default=CLIENTS, help="how many ask at once (%(default)s)")
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

    def handle(self, **options: Any) -> None:
        try:
            if options["inside"] == "prepare":
                call_command("migrate", interactive=False, verbosity=0)
                searching.prepare(options["experts"][0])
            elif options["inside"] == "measure":
                found = searching.measure(options["clients"], options["state"], options["searches"], self.say)
                self.stdout.write(json.dumps(found))
            else:
                self.run(options)
        except IndexingError as error:
            raise CommandError(str(error), returncode=1) from error

    def run(self, options: dict[str, Any]) -> None:
        note = NOTE.format(real=derived.REAL, noise=derived.NOISE, processors=os.cpu_count())
        sizes = []
        for size in options["experts"]:
            with tempfile.TemporaryDirectory(prefix="tcs-benchmark-") as folder:
                copy_exports(Path(folder))
                self.say(f"Preparing {size:,} experts")
                self.inside("prepare", Path(folder), options, size)
                sizes.append(json.loads(self.inside("measure", Path(folder), options, size)))
        if options["json"]:
            self.stdout.write(json.dumps({"note": note, "processors": os.cpu_count(), "sizes": sizes}))
            return
        for each in sizes:
            self.stdout.write("\n".join(table(each)))
        self.stdout.write(f"\n{note}")

    def inside(self, what: str, folder: Path, options: dict[str, Any], size: int) -> str:
        """This command again, in a process whose data folder is `folder`; its stdout."""
        command = [sys.executable, "manage.py", "benchmark_search", "--inside", what, "--experts", str(size)]
        command += ["--searches", str(options["searches"]), "--clients", *map(str, options["clients"])]
        command += ["--state", *options["state"]]
        ended = subprocess.run(
            command,
            env=environment(folder, what),
            cwd=settings.BASE_DIR,
            text=True,
            stdout=subprocess.PIPE,
            check=False,
        )
        if ended.returncode:
            raise CommandError(f"It failed for {size:,} experts; see above.", returncode=1)
        return ended.stdout

    def say(self, text: str) -> None:
        self.stderr.write(text)


def environment(folder: Path, what: str) -> dict[str, str]:
    mine = {
        "TCS_DATA_DIR": str(folder),
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "TCS_WORKER": "external",
        "TCS_ENCODER": "indexing.benchmarks.derived.DerivedEncoder",
        "TCS_APPROVE": "never",
        "TCS_GATE_MIN_RECALL": "0",
        "TCS_WEBHOOK_URL": "",
        "TCS_NOTIFY_EMAILS": "",
        "TCS_TRUSTED_ORIGINS": "",
        "TCS_ALLOWED_HOSTS": "localhost",
    }
    # as each process has it in service: all processors for the worker, one thread a query for the web
    return os.environ | mine | {"OMP_NUM_THREADS": "1" if what == "measure" else str(os.cpu_count() or 1)}


def copy_exports(folder: Path) -> None:
    """The model's export, if there is one already: making it takes longer than copying."""
    if paths.models_folder().is_dir():
        shutil.copytree(paths.models_folder(), folder / paths.models_folder().name)


def table(size: dict[str, Any]) -> list[str]:
    steps = list(size["measured"][0]["steps"])
    lines = [
        f"{size['experts']:,} experts under {size['backend']}: opened in {size['seconds_to_open']} s, "
        f"model loaded in {size['seconds_to_load_the_model']} s; first search {size['first_search_ms']} ms; "
        f"peak {size['peak_mb']} MB",
        f"{'p50 / p95 / p99':24}{'search':>28}{'API':>28}{'page':>28}  load  steps p50/p95/p99",
    ]
    for each in size["measured"]:
        per_step = "  ".join(f"{step} {figures(each['steps'][step], '/')}" for step in steps)
        lines.append(
            f"{each['state']:8} {each['clients']:>3} at once {each['cache']:4}{figures(each['search']):>28}"
            f"{figures(each['request']):>28}{figures(each['page']):>28} {each['load']:>5}  {per_step}"
        )
    return [*lines, *beside(size["measured"]), ""]


def beside(measured: Sequence[dict[str, Any]]) -> Iterator[str]:
    """How many times the idle p99 the p99 during a rebuild is, of the same clients and cache."""
    idle = {(each["clients"], each["cache"]): each for each in measured if each["state"] == "idle"}
    for each in measured:
        alone = idle.get((each["clients"], each["cache"]))
        if each["state"] == "rebuild" and alone:
            ratios = ", ".join(
                f"{name} {each[key]['p99'] / alone[key]['p99']:.2f}"
                for name, key in (("search", "search"), ("API", "request"), ("page", "page"))
            )
            yield f"p99 during a rebuild / idle, {each['clients']:>3} at once {each['cache']:4}: {ratios}"


def figures(milliseconds: dict[str, float], between: str = " / ") -> str:
    return between.join(str(value) for value in milliseconds.values())
