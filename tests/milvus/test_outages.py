"""Milvus dies between two steps of a publication, or hangs: nothing waits long, and all comes right by itself."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterator

import pytest
from pymilvus import MilvusClient

from indexing.lib import process_state
from indexing.models import IndexState, RebuildRun
from indexing.search.words_instead import NOTICE
from indexing.serving import live
from indexing.snapshot import milvus_client
from indexing.snapshot.milvus_client import ANSWER_SECONDS
from indexing.snapshot.milvus_engine import MilvusEngine
from indexing.versions import collections
from tests.support import cast
from tests.support.milvus_cast import built, name_of
from tests.support.milvus_server import ROOT, Milvus
from tests.support.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

SEARCH = "/api/search"
BREAD = {"q": "bread"}


def test_killed_between_commit_and_alias_the_version_is_live_and_the_alias_follows_later(
    milvus, server, client, monkeypatch, caplog
):
    cast.experts(20)
    first = built()
    live.load_now()
    move = MilvusEngine.point_alias

    def killed(self: MilvusEngine, alias: str, name: str) -> None:
        server.kill()
        move(self, alias, name)

    with monkeypatch.context() as dying, caplog.at_level(logging.WARNING):
        dying.setattr(MilvusEngine, "point_alias", killed)
        second = built()
    assert "The alias tcs_live in Milvus was not moved" in caplog.text
    assert IndexState.read().live_version_id == second.version_id
    assert live.load_now().number == second.version_id
    client.force_login(cast.staff(superuser=True))
    answer = client.get(SEARCH, BREAD)
    assert (answer.status_code, answer.json()["notice"]) == (200, str(NOTICE))
    assert answer.json()["version"] == second.version_id
    server.start()
    until(lambda: client.get(SEARCH, BREAD).json()["mode"] == "hybrid", seconds=90)
    again = MilvusClient(uri=server.uri)
    assert again.describe_alias(collections.ALIAS)["collection_name"] == name_of(first)
    collections.sweep()
    assert again.describe_alias(collections.ALIAS)["collection_name"] == name_of(second)
    assert set(again.list_collections()) == {name_of(first), name_of(second)}


@pytest.fixture
def guarded(guarded_server: Milvus, settings, monkeypatch) -> Iterator[MilvusClient]:
    """New versions are searched in a new database of a Milvus that wants a password."""
    monkeypatch.setattr(milvus_client, "AWAY_SECONDS", 0.2)
    database = f"tcs_{secrets.token_hex(4)}"
    MilvusClient(uri=guarded_server.uri, token=ROOT).create_database(database)
    settings.TCS_VECTORS, settings.TCS_MILVUS_URI = "milvus", f"{guarded_server.uri}/{database}"
    settings.TCS_MILVUS_TOKEN = ROOT
    client = MilvusClient(uri=settings.TCS_MILVUS_URI, token=ROOT)
    yield client
    guarded_server.go_on()


def test_while_it_hangs_search_goes_by_words_soon_and_a_run_fails_soon(guarded, guarded_server, client):
    cast.experts(20)
    first = built()
    live.load_now()
    client.force_login(cast.staff(superuser=True))
    assert client.get(SEARCH, BREAD).json()["mode"] == "hybrid"
    guarded_server.stop()
    for address in (SEARCH, "/"):
        began = time.monotonic()
        answer = client.get(address, BREAD)
        assert (answer.status_code, time.monotonic() - began < 2 * ANSWER_SECONDS) == (200, True)
        assert str(NOTICE) in answer.content.decode()
    began = time.monotonic()
    run = built(RebuildRun.State.FAILED)
    assert time.monotonic() - began < 4 * ANSWER_SECONDS
    assert run.error.startswith("Milvus (127.0.0.1:")
    assert IndexState.read().live_version_id == first.version_id
    guarded_server.go_on()
    until(lambda: client.get(SEARCH, BREAD).json()["mode"] == "hybrid", seconds=60)
    assert built().version_id > first.version_id


def test_a_password_and_a_database_are_those_of_the_settings(guarded, guarded_server, settings):
    cast.experts(8)
    run = built()
    assert guarded.list_collections() == [name_of(run)]
    assert MilvusClient(uri=guarded_server.uri, token=ROOT).list_collections() == []  # of the database “default”
    settings.TCS_MILVUS_TOKEN = ""
    settings.TCS_MILVUS_URI = settings.TCS_MILVUS_URI.replace("://", f"://{ROOT}@")
    process_state.forget_all()
    assert built().version_id > run.version_id


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"TCS_MILVUS_TOKEN": "root:not it"}, "check TCS_MILVUS_TOKEN"),
        ({"TCS_MILVUS_TOKEN": ""}, "check TCS_MILVUS_TOKEN"),
        ({"TCS_MILVUS_URI": "{uri}/nowhere"}, "database:nowhere not found"),
    ],
)
def test_a_wrong_password_or_database_fails_a_run_with_the_reason(guarded, guarded_server, settings, changed, why):
    for name, value in changed.items():
        setattr(settings, name, value.format(uri=guarded_server.uri))
    cast.experts(4)
    run = built(RebuildRun.State.FAILED)
    assert run.error.startswith("Milvus (127.0.0.1:")
    assert why in run.error
    assert "not it" not in run.error
