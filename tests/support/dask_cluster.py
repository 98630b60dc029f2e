"""A real Dask scheduler and real workers on this machine, with a tiny model under ONNX Runtime."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.conf import settings
from numpy.typing import NDArray

from indexing.encoders import ModelEncoder
from indexing.encoders.protocol import DOCUMENT, BatchCallback, Role
from tests.support import forked
from tests.support.services import free_port
from tests.support.waiting import until

HOLD, AT_WORK = "hold", "at-work"
"""Files in the workers' data folder: while the first is there they encode nothing, and the second tells who waits."""
GIVE_UP_SECONDS = 120.0
LOOPBACK = "127.0.0.1"
HERE = ("--host", LOOPBACK, "--dashboard-address", f"{LOOPBACK}:0")
PARTIES = ("scheduler", "worker", "client")


class WaitingEncoder(ModelEncoder):
    """The configured model, which waits while the file HOLD is there."""

    def encode(
        self, texts: Sequence[str], role: Role = DOCUMENT, *, progress: BatchCallback | None = None
    ) -> NDArray[np.float32]:
        folder = Path(settings.DATA_DIR)
        (folder / f"{AT_WORK}.{os.getpid()}").touch()
        give_up = time.monotonic() + GIVE_UP_SECONDS
        while (folder / HOLD).exists() and time.monotonic() < give_up:
            time.sleep(0.02)
        return super().encode(texts, role, progress=progress)


def certificates(folder: Path) -> dict[str, str]:
    """Settings of Dask for TLS, with a new authority and one certificate of it, whose files are put into `folder`."""
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("authority", "tcs")}
    names = {name: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in keys}
    now = datetime.now(UTC)
    for name, key in keys.items():
        certificate = (
            x509.CertificateBuilder(names["authority"], names[name], key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=name == "authority", path_length=None), critical=True)
            .sign(keys["authority"], hashes.SHA256())
        )
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    secret = keys["tcs"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "tcs.key").write_bytes(secret)
    own = {f"{who}.{part}": f"tcs.{end}" for who in PARTIES for part, end in (("cert", "pem"), ("key", "key"))}
    files = {"ca-file": "authority.pem", **own}
    return {f"distributed.comm.tls.{name}": str(folder / file) for name, file in files.items()}


def as_variables(config: Mapping[str, str]) -> dict[str, str]:
    """Settings of Dask as environment variables."""
    return {f"DASK_{name.upper().replace('.', '__').replace('-', '_')}": value for name, value in config.items()}


class Cluster:
    """A scheduler and its workers. `model` is for TCS_MODEL_PATH, and `folder` their data folder, with its export.

    `tls` is what `certificates` returns; without it nothing is encrypted.
    """

    def __init__(self, folder: Path, model: Path, tls: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._port = free_port()
        protocol = "tls" if tls else "tcp"
        self.address = f"{protocol}://{LOOPBACK}:{self._port}"
        self._variables = os.environ | {
            "TCS_DATA_DIR": str(folder),
            "TCS_MODEL_PATH": str(model),
            "TCS_ENCODER": f"{__name__}.{WaitingEncoder.__name__}",
            "TCS_ENCODE": self.address.replace("tcp:", "dask:"),
            "TCS_WORKER_THREADS": "1",
            "DASK_CONFIG": str(folder),
            "DASK_TEMPORARY_DIRECTORY": str(folder),
            **as_variables(tls or {}),
        }
        self.workers: list[forked.Forked] = []
        self._logs: dict[int, Path] = {}
        self.scheduler = self._scheduler(protocol)

    def ready(self, count: int) -> None:
        """Have at least that many workers, and wait until each has announced itself."""
        self.workers = [each for each in self.workers if each.poll() is None]
        for _each in range(count - len(self.workers)):
            self.workers.append(self._worker())
        until(lambda: all("Registered to:" in self.log(each) for each in self.workers))

    def log(self, worker: forked.Forked) -> str:
        """What that worker has said."""
        return self._logs[worker.pid].read_text()

    def hold(self) -> None:
        """Let workers wait before they encode, until `go_on`."""
        for path in self.folder.glob(f"{AT_WORK}.*"):
            path.unlink()
        (self.folder / HOLD).touch()

    @property
    def is_held(self) -> bool:
        return (self.folder / HOLD).exists()

    def go_on(self) -> None:
        (self.folder / HOLD).unlink(missing_ok=True)

    def at_work(self, worker: forked.Forked) -> bool:
        """Whether that worker has begun a shard since `hold`."""
        return (self.folder / f"{AT_WORK}.{worker.pid}").exists()

    def end(self) -> None:
        """End all of it, as if the power failed."""
        self.go_on()
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def _scheduler(self, protocol: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"dask-{self._port}.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", "scheduler", "--protocol", protocol, "--port", str(self._port), *HERE],
                env=self._variables,
                cwd=settings.BASE_DIR,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _worker(self) -> forked.Forked:
        """Forked as `manage.py encoding_worker`, which then becomes Dask's own program."""
        path = self.folder / f"dask-{self._port}-{len(self._logs)}.log"
        path.touch()
        started = forked.start(("encoding_worker", "--", "--no-nanny", *HERE), self._variables, str(path))
        self._logs[started.pid] = path
        return started
