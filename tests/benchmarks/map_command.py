"""`python -m tests.benchmarks map`: how long a map takes, how much it moves, how long its areas take."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict

from tests.benchmarks import measure_map
from tests.benchmarks.common import positive, print_json, report

HELP = "Measure the 2-D map on made-up vectors. Takes minutes, and most of a processor."
SIZES = (1_500, 10_000, 100_000)
NOTE = (
    "Made-up vectors of {dimension} dimensions in {tags} groups. Again: after {changed:.0%} of the experts were "
    "replaced, starting from the first map. Moved: of those on both maps, as shares of the map's radius; afresh: had "
    "it not started from the first. Peak: of this process so far. Load: of the whole machine; if it exceeds its "
    "{processors} processors, other programs slowed the figures down."
)
HEAD = (
    f"{'experts':>9} {'first s (cpu)':>17} {'again s (cpu)':>17} {'moved p50/p95':>15} {'afresh p50/p95':>15} "
    f"{'areas':>6} {'ms':>7} {'peak MB':>8} {'load':>6}"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--experts", type=positive, nargs="+", default=SIZES, help="sizes of the directory (%(default)s)")
    add("--json", action="store_true", help="one JSON object on stdout")


def run(options: argparse.Namespace) -> None:
    """Print the figures."""
    sizes = [measure_map.measure(size, report) for size in sorted(options.experts)]
    note = NOTE.format(
        dimension=measure_map.DIMENSION,
        tags=measure_map.TAGS,
        changed=measure_map.CHANGED,
        processors=os.cpu_count(),
    )
    if options.json:
        print_json({"note": note, "processors": os.cpu_count(), "sizes": [asdict(size) for size in sizes]})
        return
    rows = [
        f"{size.experts:>9,} {_duration(size.first):>17} {_duration(size.again):>17} {_shares(size.moved):>15} "
        f"{_shares(size.moved_afresh):>15} {size.areas:>6} {size.areas_ms:>7} {size.peak_mb:>8} {size.load:>6}"
        for size in sizes
    ]
    sys.stdout.write("\n".join([HEAD, *rows, "", note, ""]))


def _duration(taken: measure_map.Duration) -> str:
    return f"{taken.seconds} ({taken.processor})"


def _shares(moved: measure_map.Movement | None) -> str:
    return f"{moved.median:.3f} / {moved.p95:.3f}" if moved else "-"
