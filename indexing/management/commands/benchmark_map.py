"""manage.py benchmark_map: how long a map takes, how much it moves, how long its areas take."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from indexing.benchmarks import mapping
from indexing.management.commands.benchmark_search import positive

SIZES = (1_500, 10_000, 100_000)
NOTE = (
    "Made vectors of {dimension} dimensions in {tags} groups. Again: after {changed:.0%} of the experts were "
    "replaced, starting from the first map. Moved: of those on both maps, as shares of the map's radius; afresh: had "
    "it not started from the first. Peak: of this process so far. Load: of the whole machine; beyond its "
    "{processors} processors the figures tell of others' work as well."
)
HEAD = (
    f"{'experts':>9} {'first s (cpu)':>17} {'again s (cpu)':>17} {'moved p50/p95':>15} {'afresh p50/p95':>15} "
    f"{'areas':>6} {'ms':>7} {'peak MB':>8} {'load':>6}"
)


class Command(BaseCommand):
    help = "Measure the 2-D map over made vectors. Takes minutes, and most of a processor; your data is left alone."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--experts", type=positive, nargs="+", default=SIZES, help="sizes of the directory (%(default)s)"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, **options: Any) -> None:
        sizes = [mapping.measure(size, self.stderr.write) for size in sorted(options["experts"])]
        note = NOTE.format(
            dimension=mapping.DIMENSION, tags=mapping.TAGS, changed=mapping.CHANGED, processors=os.cpu_count()
        )
        if options["json"]:
            told = {"note": note, "processors": os.cpu_count(), "sizes": [asdict(size) for size in sizes]}
            self.stdout.write(json.dumps(told))
            return
        self.stdout.write(HEAD)
        for each in sizes:
            self.stdout.write(
                f"{each.experts:>9,} {took(each.first):>17} {took(each.again):>17} {shares(each.moved):>15} "
                f"{shares(each.moved_afresh):>15} {each.areas:>6} {each.areas_ms:>7} {each.peak_mb:>8} {each.load:>6}"
            )
        self.stdout.write(f"\n{note}")


def took(time: mapping.Took) -> str:
    return f"{time.seconds} ({time.processor})"


def shares(moved: mapping.Movement | None) -> str:
    return f"{moved.median:.3f} / {moved.p95:.3f}" if moved else "-"
