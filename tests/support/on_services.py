"""Run the tests marked `services` once more, on PostgreSQL and with Redis as channel layer.

    python -m tests.support.on_services [--all] [options of pytest]

With --all those marked `anydb` too, whose faults lie outside the database. Both services are started for this and
stopped afterwards. Where they cannot be had, one line says so and the exit code is 0.
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
"""Tests. More that fail at once are no accident."""


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, end_in_order)
    with ExitStack() as started:
        try:
            postgres = services.PostgreSQL.create()
            started.callback(postgres.remove)
            redis = services.Redis()
            started.callback(redis.remove)
        except services.ServiceUnavailable as error:
            sys.stderr.write(f"The tests on PostgreSQL and Redis are left out: {error}\n")
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
        code = run_steadily(*arguments, "-m", marked, cache=".pytest_cache/services", environment=given)
        return 0 if code == pytest.ExitCode.NO_TESTS_COLLECTED else code


def run_steadily(
    *arguments: str,
    parallel: Sequence[str] = (),
    cache: str = ".pytest_cache",
    environment: Mapping[str, str] | None = None,
) -> int:
    """The tests' exit code; a few that failed run once more, one after another.

    Tests that watch processes by the clock can fail where a machine is busy with the rest of the tests, and nothing
    is wrong. Who passes then is named all the same: it may also be a defect that shows now and then.
    """
    arguments = ("-o", f"cache_dir={cache}", *arguments)
    code = run_pytest(*parallel, *arguments, environment=environment)
    failed = Path(cache, "v/cache/lastfailed")
    if code != pytest.ExitCode.TESTS_FAILED or len(names := json.loads(failed.read_bytes())) > RUN_AGAIN_AT_MOST:
        return code
    sys.stderr.write("Once more, one after another, what failed:\n")
    code = run_pytest(*arguments, "--last-failed", "--last-failed-no-failures", "none", environment=environment)
    for name in [] if code else names:
        sys.stderr.write(f"UNSTEADY: {name} failed beside others and passed by itself.\n")
    return code


def run_pytest(*arguments: str, environment: Mapping[str, str] | None = None) -> int:
    """Its exit code. Whatever ends this process before gives it the time to end what its tests have started."""
    variables = {**os.environ, **(environment or {})}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)  # else each process that a test starts compiles everything anew
    process = subprocess.Popen([sys.executable, "-m", "pytest", *arguments], env=variables)
    try:
        return process.wait()
    except KeyboardInterrupt:  # Ctrl-C has reached it already
        process.wait(60)
        raise
    except BaseException:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        raise


def end_in_order(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)  # through `finally` and ExitStack


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
