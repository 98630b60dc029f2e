"""A Milvus for these tests, in which each of them finds nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pymilvus import MilvusClient

from indexing.snapshot import milvus_client
from tests.support.milvus_server import Milvus


@pytest.fixture(scope="package")
def server() -> Iterator[Milvus]:
    started = Milvus()
    try:
        started.start()
        yield started
    finally:
        started.remove()


@pytest.fixture(scope="module")
def guarded_server() -> Iterator[Milvus]:
    """One that lets in nobody without a password, and may be stopped for a minute. Nobody kills it."""
    started = Milvus(session_seconds=60, guarded=True)
    try:
        started.start()
        yield started
    finally:
        started.remove()


@pytest.fixture
def milvus(server: Milvus, settings, monkeypatch) -> Iterator[MilvusClient]:
    """New versions are searched in Milvus; a client of the test's own."""
    monkeypatch.setattr(milvus_client, "AWAY_SECONDS", 0.2)
    server.start()
    settings.TCS_VECTORS, settings.TCS_MILVUS_URI = "milvus", server.uri
    client = MilvusClient(uri=server.uri)
    yield client
    server.start()
    client = MilvusClient(uri=server.uri)
    for name in client.list_collections():
        for alias in client.list_aliases(name)["aliases"]:
            client.drop_alias(alias)
        client.drop_collection(name)
