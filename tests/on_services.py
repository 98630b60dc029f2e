"""Run the tests marked `services` once more, on PostgreSQL and with Redis as channel layer.

    python -m tests.on_services [--all] [options of pytest]

With --all those marked `anydb` too, whose faults lie outside the database. Both services are started for this and
stopped afterwards. Where they cannot be had, one line says so and the exit code is 0.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from types import FrameType

import pytest

from tests import services


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, _end)
    with ExitStack() as started:
        try:
            services.install_missing()
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
        command = [sys.executable, "-m", "pytest", *arguments, "-m", marked]
        process = subprocess.Popen(command, env=os.environ | given)
        try:
            code = process.wait()
        except BaseException:
            process.send_signal(signal.SIGINT)  # it ends what its tests have started
            process.wait(60)
            raise
        return 0 if code == pytest.ExitCode.NO_TESTS_COLLECTED else code


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)  # through the ExitStack


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
