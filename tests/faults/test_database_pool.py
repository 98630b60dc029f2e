"""Web processes share few connections to PostgreSQL, and say what the database says when it has none left."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from copy import deepcopy
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, OperationalError, connection, transaction

from indexing.models import IndexState
from tcs_site.postgresql import pooling
from tests.faults.waiting import until
from tests.faults.web import Searching

pytestmark = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no pool")
LIMIT = 10
USER = f"""
    CREATE ROLE few LOGIN CONNECTION LIMIT {LIMIT};
    GRANT ALL ON ALL TABLES IN SCHEMA public TO few;
    GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO few;
"""
OPEN = "SELECT pid FROM pg_stat_activity WHERE usename = 'few' AND NOT pid = ANY(%s)"


@pytest.fixture
def few(transactional_db: None) -> Iterator[str]:
    """The address of the database for a user who may have ten connections."""
    with connection.cursor() as cursor:
        cursor.execute(USER)
    yield "postgres://few@{HOST}:{PORT}/{NAME}".format(**connection.settings_dict)
    end_connections()
    with connection.cursor() as cursor:
        cursor.execute("DROP OWNED BY few; DROP ROLE few")


def end_connections(but: tuple[int, ...] = ()) -> None:
    """Those of that user, but for these processes of PostgreSQL."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_terminate_backend(pid) FROM ({OPEN}) AS theirs", [list(but)])


def test_thirty_clients_are_answered_with_ten_connections(first_version, serve, few):
    with Searching(*(serve(DATABASE_URL=few) for _ in range(2)), clients=30, all_different=True) as searching:
        searching.more(60)
    searching.none_failed()
    with connection.cursor() as cursor:
        cursor.execute(OPEN, [[]])
        assert 0 < len(cursor.fetchall()) <= LIMIT


def test_a_database_without_room_is_said_at_once_and_found_again(first_version, serve, few):
    """As without a pool: nobody waits for a turn that cannot come."""
    web = serve(DATABASE_URL=few)
    assert web.search().status_code == 200
    with ExitStack() as held:
        until(lambda: take_all(held, few), "others have all connections")
        answer = web.search()
        assert answer.status_code == 503
        assert "Retry-After" in answer.headers
    until(lambda: web.search().status_code == 200, "it answers again")
    assert 'too many connections for role "few"' in web.output()


def take_all(held: ExitStack, url: str) -> bool:
    """Whether all connections are `held` now."""
    with ExitStack() as mine:
        ours: list[int] = []
        while len(ours) < LIMIT:
            end_connections(but=tuple(ours))
            try:
                ours.append(mine.enter_context(psycopg.connect(url, autocommit=True)).info.backend_pid)
            except psycopg.OperationalError:  # the process was faster
                return False
        held.push(mine.pop_all())
    return True


Connecting = Callable[[], Any]


def test_who_is_stopped_in_a_transaction_does_not_keep_its_locks_for_ever(transactional_db, monkeypatch):
    """A process that is stopped there does nothing, like this connection."""
    from tcs_site.postgresql import base  # noqa: PLC0415  where SQLite is the database, its driver may be missing

    monkeypatch.setattr(base, "STANDSTILL", 0.5)
    stopped = base.DatabaseWrapper(deepcopy(connection.settings_dict), "stopped")
    stopped.set_autocommit(False)
    with stopped.cursor() as cursor:
        cursor.execute("SELECT 1 FROM indexing_indexstate FOR UPDATE")
        with transaction.atomic():
            IndexState.locked()  # waits until the other has lost its lock
        with pytest.raises(DatabaseError, match="idle-in-transaction"):
            cursor.execute("SELECT 1")
    stopped.close()


@pytest.fixture
def connect(transactional_db: None, monkeypatch) -> Iterator[Connecting]:
    """Connects as a thread of a web process does, from a pool of two that does not wait for long."""
    from tcs_site.postgresql import base  # noqa: PLC0415  where SQLite is the database, its driver may be missing

    monkeypatch.setattr(base, "PATIENCE", 0.2)
    given = deepcopy(connection.settings_dict)
    given["OPTIONS"]["pool"] = pooling.options(2) | {"timeout": 0.1}

    def connected() -> Any:
        wrapper = base.DatabaseWrapper(given, "pooled")
        wrapper.ensure_connection()
        return wrapper

    yield connected
    gc.collect()
    base.put_back()
    base.DatabaseWrapper(given, "pooled").close_pool()


def test_transactions_of_pooled_connections_do_not_stand_still_for_ever_either(connect):
    pooled = connect()
    with pooled.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("2min",)
    pooled.close()


def test_one_too_many_hears_that_all_are_in_use(connect):
    first, second = connect(), connect()
    with pytest.raises(OperationalError, match="all 2 connections of this process are in use"):
        connect()
    first.close()
    connect().close()
    second.close()


def test_what_a_thread_did_not_close_is_used_again(connect):
    for _ in range(3):
        thread = threading.Thread(target=connect)
        thread.start()
        thread.join()
    connect().close()


def test_connections_that_broke_while_idle_are_replaced(connect):
    both = [connect(), connect()]
    pids = [each.connection.info.backend_pid for each in both]
    for each in both:
        each.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s) AS pid", [pids])
    again = connect()
    assert again.connection.info.backend_pid not in pids
    again.close()
