"""A real TCS in separate processes, with its own folder, database and port."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
from django.conf import settings

from tcs_site.supervising import MARK, ProcessGroup
from tcs_site.web_processes.process import server_command
from tests.support import cast, forked
from tests.support.forked import Forked
from tests.support.services import free_port
from tests.support.waiting import until

PLAIN = httpx.create_ssl_context(verify=False)
"""For `verify`: nothing here uses TLS, and loading the CA certificates for every request takes 20 ms."""
REAL_MODEL = "indexing.encoders.ModelEncoder"
PATIENCE = 60.0


@dataclass
class Site:
    """An installation: a data folder and the environment of its processes."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def like(cls, another: Path, folder: Path, environment: dict[str, str] | None = None) -> Site:
        """A site that starts from a copy of another data folder."""
        shutil.copytree(another, folder, dirs_exist_ok=True)
        return cls(folder, environment or {})

    def variables(self) -> dict[str, str]:
        mine = {
            "TCS_DATA_DIR": str(self.folder),
            "DJANGO_SETTINGS_MODULE": "tcs_site.settings",
            "DATABASE_URL": "",
            "REDIS_URL": "",
            "TCS_WEB_PROCESSES": "1",  # as most tests need no more
            "TCS_PREPARE_STATIC": "0",
        }
        return os.environ | mine | self.environment

    def start(self, *arguments: str, **options: object) -> subprocess.Popen[str]:
        """Start `manage.py ...` in the background, with stderr joined to stdout."""
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            env=self.variables(),
            text=True,
            **({"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} | options),
        )

    def manage(self, *arguments: str, expect: int = 0, stdin: str = "") -> str:
        """Run `manage.py ...` and return its stdout. Fails with its output for an unexpected exit code."""
        ended = forked.manage(arguments, self.variables(), stdin)
        assert ended.returncode == expect, f"{arguments} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}"
        return ended.stdout

    def run(self, code: str) -> str:
        """Run Python code there with Django set up: this process may have an event loop, and another database."""
        return self.manage("shell", "--verbosity", "0", "-c", code)

    def create_staff(self, username: str, *permissions: str) -> None:
        self.run(
            "from tests.support import cast\n"
            f"cast.staff(*{permissions!r}, username={username!r}, superuser={not permissions})"
        )


@dataclass
class Server:
    site: Site
    port: int
    process: subprocess.Popen[bytes] | Forked

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> httpx.Response:
        """Request a page without signing in, on a new connection."""
        return httpx.get(self.url + path, timeout=30, verify=PLAIN)

    def sign_in(self, username: str, password: str) -> httpx.Response:
        body = {"username": username, "password": password}
        return httpx.post(f"{self.url}/api/admin/auth", json=body, timeout=30, verify=PLAIN)

    def client(self, username: str, password: str = cast.PASSWORD) -> httpx.Client:
        """A client with a token of `username`."""
        answer = self.sign_in(username, password).raise_for_status()
        headers = {"Authorization": f"Bearer {answer.json()['token']}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, verify=PLAIN)

    def holds(self, client_port: int) -> bool:
        """Whether the process has a connection from this port."""
        held = psutil.Process(self.process.pid).net_connections("tcp")
        return any(each.raddr and each.raddr.port == client_port for each in held)

    def log(self) -> str:
        return log_of(self.site, self.port).read_text()

    def wait_until_ready(self) -> None:
        until(lambda: self.get("/readyz").status_code == 200, seconds=PATIENCE, every=0.1)

    def wait_for_version(self, number: int) -> None:
        until(lambda: self.serves() == number, seconds=PATIENCE, every=0.1)

    def serves(self) -> int | None:
        version: int | None = self.get("/readyz").json()["checks"]["live_version"]["version"]
        return version


@contextmanager
def serving(site: Site, *, port: int = 0, module: str = "daphne", descriptors: int = 0) -> Iterator[Server]:
    """Run daphne on `site`, as `serve` starts it. It and every worker that it starts end with the block.

    On a free port if none is named. `module` is run in place of daphne; `descriptors` limits those of the process.
    Without either it is forked, which is cheap.
    """
    port = port or free_port()
    limits = ["prlimit", f"--nofile={descriptors}:{descriptors}"] if descriptors else []
    command = [module if part == "daphne" else part for part in server_command("-b", "127.0.0.1", "-p", str(port))]
    group = ProcessGroup()
    log = log_of(site, port)
    environment = site.variables() | {"OMP_NUM_THREADS": "1"}
    with log.open("ab") as output:
        if limits or module != "daphne":
            process: subprocess.Popen[bytes] | Forked = group.start(
                [*limits, *command], settings.BASE_DIR, output=output, **environment
            )
        else:
            process = forked.web(port, environment | {MARK: group.mark}, str(log))
        server = Server(site, port, process)
        try:
            until(lambda: process.poll() is not None or answers(server), seconds=PATIENCE)
            assert process.poll() is None, log.read_text()
            yield server
        finally:
            if isinstance(process, Forked):
                process.end()
            group.end()
            forked.end_workers(site.folder)


def said_until(process: subprocess.Popen[str], text: str) -> str:
    """What a command prints, up to the first line with `text`. Fails with all of it if there is none."""
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if text in line:
            return said
    raise AssertionError(f"It ended without {text!r}:\n{said}")


def serve_once(site: Site) -> str:
    """Start `serve`, end it as soon as it serves, and return what it printed until then."""
    process = site.start("serve", "--port", str(free_port()))
    try:
        return said_until(process, "TCS is at")
    finally:
        process.terminate()
        process.communicate(timeout=60)


def log_of(site: Site, port: int) -> Path:
    return site.folder / f"daphne.{port}.log"


def answers(server: Server) -> bool:
    try:
        return server.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False
