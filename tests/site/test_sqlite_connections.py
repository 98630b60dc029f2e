"""Web processes use connections to SQLite again, and nothing of an earlier request is left in them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, ProgrammingError
from django.db.utils import ConnectionHandler

from tcs_site.backends import SQLITE, with_options
from tcs_site.sqlite import base

Connecting = Callable[[], Any]


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "db.sqlite3"
    written(path, "CREATE TABLE word (text TEXT); INSERT INTO word VALUES ('one'), ('two'), ('three')")
    return path


@pytest.fixture
def connect(file, django_db_blocker) -> Iterator[Connecting]:
    """Makes Django's wrapper for a thread, of a process that keeps two connections."""
    config: Any = {"ENGINE": SQLITE, "NAME": str(file)}
    with_options(config, sqlite_timeout=1)
    base.idle.keep(2)
    with django_db_blocker.unblock():
        yield lambda: ConnectionHandler({"default": dict(config)})["default"]
    base.idle.keep(0)


def written(path: Path, statements: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(statements)
    connection.close()


def words(wrapper: Any) -> list[str]:
    with wrapper.cursor() as cursor:
        return [text for (text,) in cursor.execute("SELECT text FROM word").fetchall()]


def used(connect: Connecting) -> int:
    """Which connection a request had that read something."""
    wrapper = connect()
    assert words(wrapper)
    connection = wrapper.connection
    wrapper.close()
    return id(connection)


def test_a_connection_is_used_again_in_another_thread(connect):
    first = used(connect)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(used, connect).result() == first
    assert len(base.idle) == 1


def test_only_a_few_are_kept(connect):
    many = [connect() for _ in range(4)]
    assert all(words(each) for each in many)
    connections = [each.connection for each in many]
    for each in many:
        each.close()
    assert len(base.idle) == 2
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connections[-1].execute("SELECT 1")


def test_what_others_have_written_is_seen(connect, file):
    wrapper = connect()
    cursor = wrapper.cursor()
    cursor.execute("SELECT text FROM word").fetchone()  # not to its end
    wrapper.close()
    written(file, "INSERT INTO word VALUES ('four')")
    again = connect()
    assert words(again)[-1] == "four"
    again.close()
    del cursor


def test_a_transaction_that_was_left_open_is_not_kept(connect):
    wrapper = connect()
    wrapper.ensure_connection()
    wrapper.connection.execute("BEGIN IMMEDIATE")
    wrapper.connection.execute("DELETE FROM word")
    wrapper.close()
    assert not base.idle
    again = connect()
    assert words(again) == ["one", "two", "three"]
    again.close()


def test_a_connection_with_an_error_is_not_kept(connect):
    wrapper = connect()
    with pytest.raises(OperationalError), wrapper.cursor() as cursor:
        cursor.execute("SELECT text FROM nothing")
    wrapper.close()
    assert not base.idle


def test_after_a_restore_the_new_file_is_read(connect, file, tmp_path):
    used(connect)
    other = tmp_path / "other.sqlite3"
    written(other, "CREATE TABLE word (text TEXT); INSERT INTO word VALUES ('restored')")
    for name in ("-wal", "-shm"):
        file.with_name(file.name + name).unlink(missing_ok=True)
    other.replace(file)
    again = connect()
    assert words(again) == ["restored"]
    again.close()


def test_elsewhere_than_in_web_processes_none_is_kept(connect):
    base.idle.keep(0)
    used(connect)
    assert not base.idle


def test_a_cursor_that_outlives_its_connection_does_no_harm_to_the_next(connect):
    base.idle.keep(0)
    wrapper = connect()
    left = wrapper.cursor()
    for _ in range(2):
        wrapper.close()
        assert words(wrapper)
    wrapper.close()
    with pytest.raises(ProgrammingError):
        left.fetchone()
