"""The command line of the benchmarks: one subcommand for each thing that is measured."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from indexing.errors import IndexingError
from tests.benchmarks import (
    drift_command,
    encoding_command,
    load_command,
    map_command,
    ranking_command,
    scale_command,
    search_command,
    strangers_command,
)
from tests.benchmarks.common import BenchmarkFailed

COMMANDS = {
    "encoding": encoding_command,
    "search": search_command,
    "load": load_command,
    "map": map_command,
    "drift": drift_command,
    "ranking": ranking_command,
    "scale": scale_command,
    "strangers": strangers_command,
}


def main(arguments: Sequence[str]) -> int:
    """Run one benchmark and return the exit code. Raises SystemExit(2) for wrong options."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    commands = parser.add_subparsers(dest="what", required=True)
    for name, command in COMMANDS.items():
        command.add_arguments(commands.add_parser(name, help=command.HELP, description=command.HELP))
    options = parser.parse_args(arguments)
    try:
        COMMANDS[options.what].run(options)
    except (BenchmarkFailed, IndexingError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0
