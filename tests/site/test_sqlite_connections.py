"""A connection that was closed in good order is the next one's; nothing of its last use comes with it."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import pytest
from django.db import OperationalError, connection, transaction

from experts.models import Expert
from tcs_site.sqlite import base
from tcs_site.sqlite.base import DatabaseWrapper

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _none_waits():
    base.close_idle()
    yield
    base.close_idle()


@pytest.fixture
def database(tmp_path: Path) -> DatabaseWrapper:
    settings = {**connection.settings_dict, "ENGINE": "tcs_site.sqlite", "NAME": str(tmp_path / "db.sqlite3")}
    settings |= {"OPTIONS": {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL;"}}
    with sqlite3.connect(settings["NAME"]) as raw:
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("CREATE TABLE words (word TEXT UNIQUE)")
        raw.executemany("INSERT INTO words VALUES (?)", [(str(number),) for number in range(500)])
    raw.close()
    return DatabaseWrapper(settings)


def raw_of(database: DatabaseWrapper) -> sqlite3.Connection:
    database.ensure_connection()
    raw: sqlite3.Connection = database.connection
    return raw


def is_closed(raw: sqlite3.Connection) -> bool:
    try:
        raw.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return True
    return False


def ask(database: DatabaseWrapper, statement: str, parameters: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    with database.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def test_a_closed_connection_is_the_next_one_also_in_another_thread(database):
    raw = raw_of(database)
    database.close()
    assert database.connection is None
    met: list[sqlite3.Connection] = []
    other = database.copy()

    def use() -> None:
        met.append(raw_of(other))
        assert ask(other, "SELECT count(*) FROM words") == [(500,)]
        other.close()

    thread = threading.Thread(target=use)
    other.inc_thread_sharing()
    thread.start()
    thread.join()
    assert met == [raw]


def test_two_at_once_have_one_each(database):
    other = database.copy()
    first, second = raw_of(database), raw_of(other)
    assert first is not second
    database.close()
    other.close()
    assert raw_of(database) is second
    assert raw_of(other) is first


def test_a_reading_that_was_left_halfway_does_not_hold_the_next_one_to_its_moment(database):
    database.ensure_connection()
    cursor = database.cursor()
    cursor.execute("SELECT word FROM words")
    cursor.fetchone()
    database.close()
    with sqlite3.connect(database.settings_dict["NAME"]) as another:
        another.execute("DELETE FROM words")
    another.close()
    assert ask(database, "SELECT count(*) FROM words") == [(0,)]


def test_one_on_which_something_went_wrong_is_not_kept(database):
    raw = raw_of(database)
    with pytest.raises(OperationalError):
        ask(database, "SELECT count(*) FROM nowhere")
    database.close()
    assert is_closed(raw)


def test_what_was_left_on_one_that_was_not_kept_does_not_trouble_the_next(database):
    left = database.cursor()
    left.execute("SELECT word FROM words")
    database.connection.execute("BEGIN IMMEDIATE")
    database.close()
    raw = raw_of(database)
    database.close()
    assert raw_of(database) is raw


def test_one_within_a_transaction_is_not_kept(database):
    raw = raw_of(database)
    raw.execute("BEGIN IMMEDIATE")
    database.close()
    assert is_closed(raw)
    assert ask(database, "INSERT INTO words VALUES ('new') RETURNING word") == [("new",)]


def test_one_to_a_file_that_was_replaced_is_not_used(database, tmp_path):
    raw = raw_of(database)
    database.close()
    path = Path(database.settings_dict["NAME"])
    with sqlite3.connect(tmp_path / "restored") as restored:
        restored.execute("CREATE TABLE words (word TEXT)")
    restored.close()
    for name in ("db.sqlite3-wal", "db.sqlite3-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "restored").replace(path)
    assert ask(database, "SELECT count(*) FROM words") == [(0,)]
    assert is_closed(raw)


def test_a_file_that_went_away_is_an_error_though_a_connection_waits(database, tmp_path):
    raw_of(database)
    database.close()
    Path(database.settings_dict["NAME"]).rename(tmp_path / "away")
    tmp_path.joinpath("db.sqlite3").mkdir()
    with pytest.raises(OperationalError):
        database.ensure_connection()


def test_only_a_few_are_kept_and_those_beyond_are_closed(database):
    others = [database.copy() for _ in range(base.KEPT + 2)]
    raws = [raw_of(other) for other in others]
    for other in others:
        other.close()
    assert [is_closed(raw) for raw in raws] == [True, True, *[False] * base.KEPT]


def test_a_forked_process_gets_none(database):
    raw = raw_of(database)
    database.close()
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    assert is_closed(raw)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has a server of its own")
def test_the_site_uses_it_and_sees_what_others_wrote():
    connection.close()  # it may be the one that made the file
    raw = raw_of(connection)
    with transaction.atomic():
        Expert.objects.create(username="one")
    connection.close()
    assert raw_of(connection) is raw
    assert Expert.objects.count() == 1
