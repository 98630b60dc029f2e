"""Versions in the states that pages, API and commands show: really built, with the fake encoder."""

from __future__ import annotations

from experts.models import Expert
from indexing.audit import Actor
from indexing.models import IndexState, RebuildRun
from indexing.versions import decisions
from tests.support import cast
from tests.support.remembered import remembered

CAROL = Actor("carol", RebuildRun.Via.PAGE)
LOST = 10


def held() -> RebuildRun:
    """Version 2 lost 10 of 20 experts and is held; version 1 is live."""
    _held()
    return RebuildRun.objects.get(state=RebuildRun.State.HELD)


@remembered
def _held() -> None:
    cast.experts(2 * LOST)
    cast.rebuild()
    Expert.objects.filter(username__lte=f"expert-{LOST:03d}").delete()
    run = cast.rebuild()
    assert run.state == RebuildRun.State.HELD


@remembered
def two_versions() -> None:
    """Version 2 is live, version 1 is kept; in between the first of eight experts changed and one was added."""
    cast.experts(8)
    cast.rebuild()
    Expert.objects.filter(username="expert-001").update(bio="Now restores church organs.")
    Expert.objects.create(username="new", first_name="Nora", last_name="New", job_title="Glazier")
    cast.rebuild()
    assert live() == 2


def rolled_back() -> None:
    two_versions()
    decisions.roll_back(1, CAROL, "It finds nobody.")


def live() -> int | None:
    number: int | None = IndexState.read().live_version_id
    return number
