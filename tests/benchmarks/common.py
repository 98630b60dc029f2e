"""What the benchmarks share: options, messages, and measuring in a process with a data folder of its own."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings


class BenchmarkFailed(Exception):
    """What is to be measured could not be set up or did not work; the message says why."""


def positive(value: str) -> int:
    """An option's value as a whole number from 1."""
    if not value.isdecimal() or not int(value):
        raise argparse.ArgumentTypeError(f"{value!r} is not a whole number from 1")
    return int(value)


def report(text: str) -> None:
    """Progress and messages go to stderr; stdout has the figures only."""
    sys.stderr.write(f"{text}\n")


def print_json(value: Any) -> None:
    sys.stdout.write(f"{json.dumps(value)}\n")


def run_inside(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run `python -m tests.benchmarks` with these arguments in a process of its own, and return its stdout.

    Raises BenchmarkFailed if it fails; it has then written the reason to stderr.
    """
    ended = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", *arguments],
        env=environment,
        cwd=settings.BASE_DIR,
        text=True,
        stdout=subprocess.PIPE,
        check=False,
    )
    if ended.returncode:
        raise BenchmarkFailed(f"The measurement failed: {' '.join(arguments)}. The reason is above.")
    return ended.stdout
