"""All tests: on SQLite in three processes, and beside them those marked `services` on PostgreSQL and Redis.

    python -m tests [options of pytest]

The output of the latter is shown when the former have ended. The exit code is 0 only if both passed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.on_services import end_in_order, run_steadily

IN_PARALLEL = ["-n", "3", "--dist", "loadfile", "--no-loadscope-reorder"]
"""Three processes, since tests that watch others mostly wait. `conftest.py` sets the order of the files."""
MEMORY = Path("/dev/shm")
ROOM = 4 * 2**30


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, end_in_order)
    room = tempfile.TemporaryDirectory(prefix="tcs-", dir=folder_in_memory(), ignore_cleanup_errors=True)
    with tempfile.TemporaryFile() as said, room as folder:
        os.chmod(folder, 0o1777)  # as of other folders for such files: PostgreSQL is another user
        os.environ["TMPDIR"] = folder
        command = [sys.executable, "-m", "tests.support.on_services", *arguments]
        beside = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
        try:
            code = run_steadily(*arguments, parallel=IN_PARALLEL)
            return beside.wait() or code
        finally:
            beside.terminate()
            beside.wait()
            said.seek(0)
            sys.stdout.buffer.write(said.read())
            sys.stdout.flush()


def folder_in_memory() -> Path | None:
    """For the files of tests, which are flushed thousands of times; None where memory has no room for them."""
    try:
        usable = shutil.disk_usage(MEMORY).free >= ROOM and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
    except OSError:
        return None
    return MEMORY if usable else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
