"""Run the tests marked `services` once more, on PostgreSQL and with Redis as channel layer.

    python -m tests.support.on_services [--all] [options of pytest]

With --all, also those marked `anydb`, whose faults lie outside the database. Both services are started for this and
stopped afterwards. If they are not installed, one line says so and the exit code is 0.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

import pytest

from tests.support import services

RUN_AGAIN_AT_MOST = 3
"""Number of tests. If more fail at once, it is not by chance."""


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, end_in_order)
    with ExitStack() as started:
        try:
            postgres = services.PostgreSQL.create()
            started.callback(postgres.remove)
            redis = services.Redis()
            started.callback(redis.remove)
        except services.ServiceUnavailable as error:
            sys.stderr.write(f"Skipping the tests on PostgreSQL and Redis: {error}\n")
            return 0
        given = {
            "TCS_TEST_DATABASE_URL": postgres.url,
            "TCS_TEST_POSTGRES_FOLDER": str(postgres.folder),
            "TCS_TEST_REDIS_URL": redis.url,
        }
        sys.stderr.write("Once more on PostgreSQL and Redis:\n")
        marked = "services"
        if "--all" in arguments:
            arguments.remove("--all")
            marked = "services or anydb"
        if not any(Path(argument.partition("::")[0]).exists() for argument in arguments):
            arguments += files_with_such_tests()
        code = run_steadily(*arguments, "-m", marked, cache=".pytest_cache/services", environment=given)
        return 0 if code == pytest.ExitCode.NO_TESTS_COLLECTED else code


def files_with_such_tests() -> list[str]:
    """To import all others, only to leave them out, takes ten seconds."""
    tests = Path(__file__).parents[1]
    marked = [path for path in sorted(tests.rglob("test_*.py")) if "mark.services" in path.read_text()]
    return [str(tests / "faults"), *map(str, marked)]  # `faults/conftest.py` marks those there


def run_steadily(
    *arguments: str,
    parallel: Sequence[str] = (),
    cache: str = ".pytest_cache",
    environment: Mapping[str, str] | None = None,
) -> int:
    """Run pytest and return its exit code; if a few tests fail, run those once more, one after another.

    Tests that watch processes by the clock can fail on a machine that is busy with other tests, although nothing is
    wrong. A test that passes the second time is reported: it may be a defect that shows only now and then.
    """
    arguments = ("-o", f"cache_dir={cache}", *arguments)
    code = run_pytest(*parallel, *arguments, environment=environment)
    failed = Path(cache, "v/cache/lastfailed")
    if code != pytest.ExitCode.TESTS_FAILED or len(names := json.loads(failed.read_bytes())) > RUN_AGAIN_AT_MOST:
        return code
    sys.stderr.write("Running the failed tests once more, one after another:\n")
    code = run_pytest(*arguments, "--last-failed", "--last-failed-no-failures", "none", environment=environment)
    for name in [] if code else names:
        sys.stderr.write(f"UNSTEADY: {name} failed among others and passed alone.\n")
    return code


def run_pytest(*arguments: str, environment: Mapping[str, str] | None = None) -> int:
    """Run pytest and return its exit code. If this process is stopped, pytest gets time to stop what it started."""
    variables = {**os.environ, **(environment or {})}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)  # or each process that a test starts compiles all modules again
    process = subprocess.Popen([sys.executable, "-m", "pytest", *arguments], env=variables)
    try:
        return process.wait()
    except KeyboardInterrupt:  # Ctrl-C has reached pytest too
        process.wait(60)
        raise
    except BaseException:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        raise


def end_in_order(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)  # runs `finally` blocks and ExitStack


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
