"""What the benchmarks share: options, messages, and measuring in a process with a data folder of its own."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from indexing.lib import paths


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


def own_environment(folder: str, step: str) -> dict[str, str]:
    """That of a process with this data folder and derived vectors, which measures ("measure") or builds."""
    own = {
        "TCS_DATA_DIR": folder,
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "TCS_WORKER": "external",
        "TCS_ENCODER": "tests.benchmarks.derived_encoder.DerivedEncoder",
        "TCS_APPROVE": "never",
        "TCS_GATE_MIN_RECALL": "0",
        "TCS_WEBHOOK_URL": "",
        "TCS_NOTIFY_EMAILS": "",
        "TCS_TRUSTED_ORIGINS": "",
        "TCS_ALLOWED_HOSTS": "localhost",
    }
    # as in service: all processors for the worker, one thread per query for the web process
    return os.environ | own | {"OMP_NUM_THREADS": "1" if step == "measure" else str(os.cpu_count() or 1)}


def copy_exports(folder: Path) -> None:
    """The model's export, if there is one already: making it takes longer than copying."""
    if paths.models_folder().is_dir() and not (folder / paths.models_folder().name).exists():
        shutil.copytree(paths.models_folder(), folder / paths.models_folder().name)
