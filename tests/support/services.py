"""A throwaway PostgreSQL and Redis for tests: in temporary folders, on free ports, stopped by whoever started them.

The programs are Debian's, installed by `.ci/packages`. Where they are missing, ServiceUnavailable is raised and the
tests that need them are skipped.
"""

from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import redis

START_SECONDS = 60


class ServiceUnavailable(Exception):
    """The service is not available on this machine; the message says why."""


class PostgreSQL:
    """One cluster in its own folder. `attached` uses one that another process started."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self._programs = _postgres_programs()

    @classmethod
    def create(cls) -> PostgreSQL:
        _postgres_programs()
        cluster = cls(Path(tempfile.mkdtemp(prefix="tcs-postgres-")), free_port())
        try:
            cluster._make()
            cluster.start()
        except BaseException:
            cluster.remove()
            raise
        return cluster

    def _make(self) -> None:
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        self._run(
            "initdb",
            "--pgdata",
            str(self.folder / "data"),
            "--username",
            "tcs",
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
            "--no-locale",
            "--no-sync",
        )
        (self.folder / "port").write_text(str(self.port))

    @classmethod
    def attached(cls, folder: str | Path) -> PostgreSQL:
        return cls(Path(folder), int((Path(folder) / "port").read_text()))

    @property
    def url(self) -> str:
        return f"postgres://tcs@127.0.0.1:{self.port}/tcs"

    def start(self) -> None:
        """Return when it accepts connections. Nothing is synced: these data need not survive a power failure."""
        options = (
            f"-p {self.port} -h 127.0.0.1 -k '' -c fsync=off -c full_page_writes=off "
            "-c max_connections=200 -c shared_buffers=64MB"
        )
        self._run(
            "pg_ctl",
            "start",
            "--wait",
            "--timeout",
            str(START_SECONDS),
            "--pgdata",
            str(self.folder / "data"),
            "--log",
            str(self.folder / "log"),
            "--options",
            options,
        )

    def stop(self, mode: str = "fast") -> None:
        """Stop it. Mode "immediate" is like a crash: every connection breaks, and the next start recovers."""
        self._run("pg_ctl", "stop", "--wait", "--mode", mode, "--pgdata", str(self.folder / "data"))

    def remove(self) -> None:
        if (self.folder / "data" / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        # The output goes to a file: the server would inherit a pipe, and keep it open as long as it runs.
        with tempfile.TemporaryFile("w+") as output:
            ended = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", check=False
            )
            if ended.returncode:
                output.seek(0)
                log = self.folder / "log"
                said = output.read() + (log.read_text() if log.exists() else "")
                raise ServiceUnavailable(f"{program} failed: {said.strip()[-2000:]}")


class Redis:
    """One server that stores nothing on disk."""

    def __init__(self) -> None:
        self._program = _redis_program()
        self.port = free_port()
        self._folder = tempfile.mkdtemp(prefix="tcs-redis-")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Return when it answers."""
        self._process = subprocess.Popen(
            [self._program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        give_up = time.monotonic() + START_SECONDS
        with redis.Redis(port=self.port) as client:
            while True:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    if self._process.poll() is not None or time.monotonic() > give_up:
                        raise ServiceUnavailable(f"{self._program} did not start.") from None
                    time.sleep(0.02)

    def kill(self, with_signal: signal.Signals = signal.SIGKILL) -> None:
        if self._process is not None:
            self._process.send_signal(with_signal)
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        self.kill(signal.SIGTERM)
        shutil.rmtree(self._folder, ignore_errors=True)


PORTS = range(20_000, 32_000)
"""Below the ports that Linux gives to clients. A client that reconnects to a server while that restarts may be
given the server's own port; it then connects to itself, and the server cannot start."""


def free_port() -> int:
    dice = random.SystemRandom()
    while True:
        port = dice.choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _newest_postgres() -> Path | None:
    """Debian installs the programs of each major version in a separate folder that is not on the PATH."""
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if folders:
        return max(folders, key=lambda path: int(path.parent.name))
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def _postgres_programs() -> Path:
    programs = _newest_postgres()
    if programs is None:
        raise ServiceUnavailable("PostgreSQL is not installed (Debian: apt-get install postgresql).")
    return programs


def _redis_program() -> str:
    program = shutil.which("redis-server")
    if program is None:
        raise ServiceUnavailable("Redis is not installed (Debian: apt-get install redis-server).")
    return program
