"""A real S3 server for the tests here, one for each process of the tests; machines with their own data folders."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from obstore.store import S3Store

from indexing.lib import process_state
from indexing.models import IndexState
from indexing.serving import fetching, live
from indexing.versions import data_folder
from tests.support.bucket_server import KEYS, SeaweedFS

Machine = Callable[[str], Path]


@pytest.fixture(scope="session")
def one_server() -> Iterator[SeaweedFS]:
    server = SeaweedFS()
    yield server
    server.remove()


@pytest.fixture
def server(one_server: SeaweedFS) -> SeaweedFS:
    """The server, up again after a test that killed it."""
    one_server.start()
    return one_server


@pytest.fixture(autouse=True)
def prefix(server: SeaweedFS, settings: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """TCS keeps versions in the bucket, below a prefix of this test's own."""
    name = secrets.token_hex(4)
    for key, value in {**KEYS, "AWS_ENDPOINT_URL": server.endpoint, "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(key, value)
    settings.TCS_VERSIONS_URL = f"s3://tcs/{name}"
    return name


@pytest.fixture
def stored(server: SeaweedFS, prefix: str) -> Callable[[], S3Store]:
    """The objects of this test's database, as they are in the bucket."""
    return lambda: server.store(f"{prefix}/{IndexState.read().database_id}")


@pytest.fixture
def machine(settings: Any, tmp_path: Path) -> Iterator[Machine]:
    """Makes this process one on another machine: with a data folder of its own, and as if it had just started."""
    first = settings.DATA_DIR

    def be_on(name: str) -> Path:
        process_state.forget_all()
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        settings.DATA_DIR = folder
        return folder

    yield be_on
    process_state.forget_all()
    settings.DATA_DIR = first


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Starts serving in this process, as a web process does that looks often."""
    for module in (live, fetching):
        monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(live, "REPORT_SECONDS", 0.1)
    monkeypatch.setattr(live, "RETRY_SECONDS", 0.1)
    monkeypatch.setattr(fetching, "RETRY_SECONDS", 0.1)
    monkeypatch.setattr(fetching, "CHECK_SECONDS", 0.2)

    def start() -> None:
        data_folder.claim()
        live.start()

    yield start
    live.stop()
