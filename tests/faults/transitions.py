"""Every change of a run's state, recorded by the database itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from indexing.models import RebuildRun

State = RebuildRun.State
FORWARD = {
    State.QUEUED: {State.RUNNING, State.CANCELLED, State.CRASHED, State.FAILED},
    State.RUNNING: {State.DONE, State.HELD, State.FAILED, State.CANCELLED, State.CRASHED},
    State.HELD: {State.DONE, State.DISCARDED},
}
TABLE = RebuildRun._meta.db_table
MAKE = "CREATE TABLE run_transition (run bigint, before varchar(10), after varchar(10))"
ON_SQLITE = [
    f"""CREATE TRIGGER run_transition AFTER UPDATE OF state ON {TABLE} WHEN OLD.state <> NEW.state
        BEGIN INSERT INTO run_transition VALUES (NEW.id, OLD.state, NEW.state); END"""
]
ON_POSTGRESQL = [
    """CREATE FUNCTION note_run_transition() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN INSERT INTO run_transition VALUES (NEW.id, OLD.state, NEW.state); RETURN NEW; END $$""",
    f"""CREATE TRIGGER run_transition AFTER UPDATE OF state ON {TABLE} FOR EACH ROW
        WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION note_run_transition()""",
]
GONE_ON_POSTGRESQL = [f"DROP TRIGGER run_transition ON {TABLE}", "DROP FUNCTION note_run_transition()"]


@contextmanager
def recorded() -> Iterator[None]:
    sqlite = connection.vendor == "sqlite"
    _execute(MAKE, *(ON_SQLITE if sqlite else ON_POSTGRESQL))
    try:
        yield
    finally:
        _execute(*(["DROP TRIGGER run_transition"] if sqlite else GONE_ON_POSTGRESQL), "DROP TABLE run_transition")


def only_forward() -> int:
    """Asserts that every recorded change was one that a run may make; returns how many there were."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT run, before, after FROM run_transition")
        seen = cursor.fetchall()
    backward = [(run, before, after) for run, before, after in seen if after not in FORWARD.get(before, set())]
    assert not backward, backward
    left = [(run, before) for run, before, _after in seen]
    assert len(left) == len(set(left)), "a state was left twice"
    return len(seen)


def _execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
