"""Measure searches, maps, drift, ranking or encoding. Your own data folder is left alone.

    python -m tests.benchmarks {search,map,drift} [--experts N ...] [--json]
    python -m tests.benchmarks encoding [--texts N] [--tokens N ...]
    python -m tests.benchmarks ranking [--folder FOLDER] [--against FILE]
    python -m tests.benchmarks scale --folder FOLDER [--experts N] [--step STEP ...]
    python -m tests.benchmarks scale --vectors FILE [--experts N] [--json]
    python -m tests.benchmarks load --folder FOLDER [--processes N ...] [--clients N] [--seconds N]
    python -m tests.benchmarks strangers --port PORT --pid PID [--megabytes N] [--path PATH]

The exit code is 0 when everything was measured, 1 when a measurement failed, 2 for wrong options.
"""

from __future__ import annotations

import importlib
import os
import sys

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tcs_site.settings")
    django.setup()
    # only now: what is measured imports models, and those need Django to be set up
    sys.exit(importlib.import_module("tests.benchmarks.command").main(sys.argv[1:]))
