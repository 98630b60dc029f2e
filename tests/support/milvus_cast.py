"""Versions whose vectors are in Milvus, for tests."""

from __future__ import annotations

from indexing.models import RebuildRun
from indexing.snapshot.milvus_engine import collection_name
from tests.support import cast


def built(state: str = RebuildRun.State.DONE) -> RebuildRun:
    """A rebuild that ended in this state."""
    run = cast.rebuild()
    assert run.state == state, run.error
    return run


def name_of(run: RebuildRun) -> str:
    """The collection of the run's version."""
    return collection_name(run.version_id, run.fence)
