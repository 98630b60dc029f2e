"""What counts as an outage of Milvus, and what is a mistake of ours."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from pymilvus.exceptions import ParamError

from indexing.errors import VectorsUnavailable
from indexing.snapshot import milvus_client
from indexing.snapshot.milvus_client import MilvusConnection
from tests.support.milvus_server import Milvus


@pytest.fixture
def connection(server: Milvus) -> MilvusConnection:
    server.start()
    return MilvusConnection(server.uri, "")


@pytest.mark.parametrize(
    ("method", "arguments", "raised"),
    [
        ("no_such_method", {}, AttributeError),
        ("describe_collection", {}, TypeError),
        ("search", {"collection_name": "tcs", "data": [[0.1]], "search_params": 7}, TypeError),
        ("search", {"collection_name": "tcs", "data": "words"}, ParamError),
        ("get_load_state", {"collection_name": None}, ParamError),
    ],
)
def test_a_wrong_call_raises_its_own_error(connection, method, arguments, raised):
    with pytest.raises(raised):
        connection.call(method, **arguments)
    assert connection.call("list_collections") == []


def test_what_the_server_refuses_has_its_code_and_the_connection_stays(connection):
    with pytest.raises(VectorsUnavailable, match="collection not found") as refused:
        connection.call("describe_collection", "nobody_made_it")
    assert refused.value.code == 100
    assert connection.call("list_collections") == []


def test_while_one_tries_to_connect_again_nobody_else_waits(monkeypatch):
    monkeypatch.setattr(milvus_client, "ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(milvus_client, "AWAY_SECONDS", 0.0)
    silent = socket.create_server(("127.0.0.1", 0))
    nobody = MilvusConnection(f"http://127.0.0.1:{silent.getsockname()[1]}", "")
    waited: list[float] = []

    def call() -> None:
        began = time.monotonic()
        with pytest.raises(VectorsUnavailable):
            nobody.call("list_collections")
        waited.append(time.monotonic() - began)

    call()
    threads = [threading.Thread(target=call) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    silent.close()
    assert waited[0] > 0.5
    assert sum(each > 0.5 for each in waited[1:]) == 1
