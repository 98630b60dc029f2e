"""`python -m tests.benchmarks drift`: how long it takes to compare the directory with the live version."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import asdict
from typing import Any

from django.core.management import call_command

from tests.benchmarks import measure_drift
from tests.benchmarks.common import positive, print_json, report, run_inside

HELP = "Measure how long drift takes on sample directories, in a temporary data folder."
SIZES = (10_000, 100_000)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--experts", type=positive, nargs="+", default=SIZES, help="sizes of the directory (%(default)s)")
    add("--times", type=positive, default=5, help="measurements, of which the median is reported (%(default)s)")
    add("--json", action="store_true", help="one JSON object on stdout")
    add("--inside", action="store_true", help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> None:
    """Print the figures. Raises BenchmarkFailed."""
    if options.inside:
        call_command("migrate", interactive=False, verbosity=0)
        measured = measure_drift.measure(options.experts[0], options.times)
        sys.stdout.write(json.dumps(measured, default=asdict))
        return
    sizes = [_in_own_folder(size, options.times) for size in options.experts]
    if options.json:
        print_json({"processors": os.cpu_count(), "sizes": sizes})
        return
    for size in sizes:
        sys.stdout.write(
            f"{size['experts']:,} experts: profiles {size['profile_bytes'] / 2**20:.1f} MB, "
            f"version's part written in {size['seconds_to_write']} s, peak {size['peak_mb']} MB\n"
        )
        for each in size["measured"]:
            sys.stdout.write(
                f"{each['changed']:>10,} changed: {each['seconds']} s by the clock, {each['cpu_seconds']} s of a "
                f"processor (load {each['load']})\n"
            )


def _in_own_folder(size: int, times: int) -> dict[str, Any]:
    report(f"Preparing {size:,} experts")
    with tempfile.TemporaryDirectory(prefix="tcs-benchmark-") as folder:
        environment = os.environ | {"TCS_DATA_DIR": folder, "DATABASE_URL": "", "REDIS_URL": ""}
        arguments = ["drift", "--inside", "--experts", str(size), "--times", str(times)]
        measured: dict[str, Any] = json.loads(run_inside(arguments, environment))
    return measured
