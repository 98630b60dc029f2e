"""manage.py benchmark_drift: how long it takes to compare the directory with the live version."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from indexing.benchmarks import drifting

SIZES = (10_000, 100_000)


def positive(value: str) -> int:
    if not value.isdecimal() or not int(value):
        raise argparse.ArgumentTypeError(f"{value!r} is not a whole number from 1")
    return int(value)


class Command(BaseCommand):
    help = "Measure how long drift takes, over sample directories in a temporary data folder: yours is left alone."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("--experts", type=positive, nargs="+", default=SIZES, help="sizes of the directory (%(default)s)")
        add("--times", type=positive, default=5, help="measurements, of which the median is told (%(default)s)")
        add("--json", action="store_true", help="one JSON object on stdout")
        add("--inside", action="store_true", help=argparse.SUPPRESS)

    def handle(self, **options: Any) -> None:
        if options["inside"]:
            call_command("migrate", interactive=False, verbosity=0)
            found = drifting.measure(options["experts"][0], options["times"])
            self.stdout.write(json.dumps(found, default=asdict))
            return
        sizes = [self.apart(size, options["times"]) for size in options["experts"]]
        if options["json"]:
            self.stdout.write(json.dumps({"processors": os.cpu_count(), "sizes": sizes}))
            return
        for size in sizes:
            self.stdout.write(
                f"{size['experts']:,} experts: profiles {size['profile_bytes'] / 2**20:.1f} MB, "
                f"version's part written in {size['seconds_to_write']} s, peak {size['peak_mb']} MB"
            )
            for each in size["measured"]:
                self.stdout.write(
                    f"{each['changed']:>10,} changed: {each['seconds']} s by the clock, {each['cpu_seconds']} s of a "
                    f"processor (load {each['load']})"
                )

    def apart(self, size: int, times: int) -> dict[str, Any]:
        """This command again, in a process whose data folder is a temporary one."""
        self.stderr.write(f"Preparing {size:,} experts")
        command = [sys.executable, "manage.py", "benchmark_drift", "--inside", "--experts", str(size)]
        with tempfile.TemporaryDirectory(prefix="tcs-benchmark-") as folder:
            ended = subprocess.run(
                [*command, "--times", str(times)],
                cwd=settings.BASE_DIR,
                text=True,
                stdout=subprocess.PIPE,
                env=os.environ | {"TCS_DATA_DIR": folder, "DATABASE_URL": "", "REDIS_URL": ""},
                check=False,
            )
        if ended.returncode:
            raise CommandError(f"It failed for {size:,} experts; see above.", returncode=1)
        found: dict[str, Any] = json.loads(ended.stdout)
        return found
