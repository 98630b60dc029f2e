"""A throwaway Milvus for tests: a real server, in a temporary folder, on free ports of this machine.

The program comes from PyPI: `milvus` 2.3.5 is the last wheel that has a server. It is downloaded once (57 MB, 300 MB
unpacked) into `var/milvus` of the checkout. It listens on every address of the machine, whatever its settings say.
"""

from __future__ import annotations

import fcntl
import json
import lzma
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from tests.support.services import free_port

RELEASE = "2.3.5"
ROOT = "root:Milvus"
"""Its first user and password."""
CACHE = Path(__file__).parents[2] / "var" / "milvus"
START_SECONDS = 120
STARTS = 3
"""It takes twenty ports, and ends if another process has taken one of them meanwhile."""
SETTING = re.compile(r"\{\{ *(\w+)(?:\((\w+)\))? *(?:: *(.*?))? *\}\}")
"""A place of the wheel's template: a name, a type, a default."""
PROMPT = {
    "DATACOORD_SEGMENT_ASSIGNMENTEXPIRATION": "200",  # milliseconds that a flush waits for
    "INDEXCOORD_SCHEDULER_INTERVAL": "100",
    "PROXY_TIMETICKINTERVAL": "50",
    "QUERYCOORD_CHECKINTERVAL": "100",
    "QUERYCOORD_CHECKCHANNELINTERVAL": "100",
    "QUERYCOORD_CHECKSEGMENTINTERVAL": "100",
    "QUERYCOORD_DISTPULLINTERVAL": "100",
    "QUERYCOORD_LEADERVIEWUPDATEINTERVAL": "0.1",
    "QUERYCOORD_UPDATENEXTTARGETINTERVAL": "0.1",
}
"""Settings for one server without neighbours. With its own ones, it mostly waits."""


class Milvus:
    """One server. What it has acknowledged survives `kill` and `start`."""

    def __init__(self, session_seconds: int = 5, *, guarded: bool = False) -> None:
        """After `session_seconds` it believes that the server before it, which was killed, is gone, and works. If it
        is stopped for longer, it ends itself. `guarded`: it lets in only those with the token ROOT, or another."""
        self._session_seconds = session_seconds
        self._guarded = guarded
        self._package = _installed()
        self._folder = Path(tempfile.mkdtemp(prefix="tcs-milvus-"))
        self._port, self._health_port = 0, 0
        self._was_healthy = False
        self._process: subprocess.Popen[bytes] | None = None
        (self._folder / "configs").mkdir()
        shutil.copy(self._package / "data" / "glog.conf", self._folder / "configs")

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Return when it says that it is healthy. Does nothing while it runs."""
        if self._process is not None:
            return
        for _try in range(STARTS):
            if not self._was_healthy:
                self._choose_ports()
            self._process = self._started()
            give_up = time.monotonic() + START_SECONDS
            while self._process.poll() is None and time.monotonic() < give_up:
                if self._is_healthy():
                    self._was_healthy = True
                    return
                time.sleep(0.1)
            self.kill()
        raise AssertionError(f"Milvus did not start: {(self._folder / 'log').read_text()[-2000:]}")

    def _choose_ports(self) -> None:
        self._port, self._health_port = free_port(), free_port()
        (self._folder / "configs" / "milvus.yaml").write_text(self._settings())
        (self._folder / "configs" / "etcd.yaml").write_text(self._settings_of_etcd())

    def _started(self) -> subprocess.Popen[bytes]:
        programs = CACHE / "bin"
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [programs / "milvus", "run", "standalone"],
                cwd=self._folder,
                env=os.environ
                | PROMPT
                | {
                    "COMMON_SESSION_TTL": str(self._session_seconds),
                    "DEPLOY_MODE": "STANDALONE",
                    "ETCD_CONFIG_PATH": str(self._folder / "configs" / "etcd.yaml"),
                    "LD_LIBRARY_PATH": str(programs),
                    "METRICS_PORT": str(self._health_port),
                    "MILVUS_RUN_DIR": str(self._folder / "run"),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End it at once, as a power cut does. It takes minutes to end in any other way."""
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

    def _is_healthy(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self._health_port}/healthz") as response:
            return b"OK" in response.read()
        return False

    def _settings_of_etcd(self) -> str:
        """Of the etcd in it, which would take its usual ports from another Milvus on this machine."""
        client, peer = (f"http://127.0.0.1:{free_port()}" for _each in range(2))
        return json.dumps(
            {
                "name": "default",
                "data-dir": str(self._folder / "etcd"),
                "listen-client-urls": client,
                "advertise-client-urls": client,
                "listen-peer-urls": peer,
                "initial-advertise-peer-urls": peer,
                "initial-cluster": f"default={peer}",
            }
        )

    def _settings(self) -> str:
        own = {
            "proxy_port": str(self._port),
            "system_log_path": str(self._folder / "logs"),
            "etcd_log_path": str(self._folder / "etcd.log"),
            "etcd_data_dir": str(self._folder / "etcd"),
            "local_storage_dir": str(self._folder / "data"),
            "rocksmq_data_dir": str(self._folder / "rocksmq"),
            "authorization_enabled": str(self._guarded).lower(),
        }

        def setting(found: re.Match[str]) -> str:
            name, _kind, default = found.groups()
            return own.get(name) or (str(free_port()) if name.endswith("_port") else default or "")

        return SETTING.sub(setting, (self._package / "data" / "config.yaml.template").read_text())


def _installed() -> Path:
    """The folder of the wheel. Downloads it the first time; fails with the reason where that is not possible."""
    CACHE.mkdir(parents=True, exist_ok=True)
    package = CACHE / "package" / "milvus"
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of several processes one downloads, and the others wait
        if not package.exists():
            _download(package.parent)
        _unpack(package / "data" / "bin", CACHE / "bin")
    return package


def _download(target: Path) -> None:
    unfinished = target.with_name("unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(unfinished)]
    done = subprocess.run([*command, f"milvus=={RELEASE}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"Milvus {RELEASE} cannot be had from PyPI: {done.stderr[-1000:]}"
    unfinished.rename(target)


def _unpack(packed: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    for each in packed.glob("*.lzma"):
        program = target / each.stem
        if not program.exists():
            with lzma.open(each) as source, program.with_suffix(".new").open("wb") as unpacked:
                shutil.copyfileobj(source, unpacked)
            program.with_suffix(".new").chmod(0o755)
            program.with_suffix(".new").rename(program)
