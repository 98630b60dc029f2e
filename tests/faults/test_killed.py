"""The worker is killed or terminated at every point of a run, while clients keep searching."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import numpy as np
import pytest
from django.db import connection

from indexing import encoders
from indexing.lib import paths
from indexing.models import RebuildRun
from tests.faults import promises
from tests.faults.web import Searching
from tests.support import cast

State = RebuildRun.State
FULL = RebuildRun.STAGES[RebuildRun.Kind.FULL]
POINTS = [(f"stage {stage}", str(stage)) for stage in FULL]
POINTS.insert(FULL.index(RebuildRun.Stage.VERIFY) + 1, ("renamed", "verify"))
DIFFERENT = POINTS if connection.vendor == "sqlite" else POINTS[-1:]
"""To PostgreSQL a worker killed at any of them is one thing: a connection that breaks between two transactions."""


@pytest.fixture
def searching(first_version, serve) -> Iterator[Searching]:
    with Searching(serve()) as clients:
        yield clients
    clients.none_failed()


def test_a_killed_worker_leaves_the_live_version_and_a_lost_run(searching, first_version, work, subtests):
    """The web process finds it out by itself. Every run gets past the point at which the one before was killed."""
    for point, stage in [*DIFFERENT, ("before transaction", "publish"), ("in transaction", "publish")]:
        with subtests.test(point), searching.answered_from(first_version):
            run = promises.ask()
            assert work(run.pk, point, "kill").ended() == -signal.SIGKILL
            promises.ends(run)
            promises.expect(run, State.CRASHED, stage=stage, says=str(RebuildRun.Stage(stage).label))
            promises.is_swept()
            assert promises.live() == first_version
    searching.wait_for(promises.next_run_works())


def test_a_worker_killed_right_after_its_transaction_has_published(searching, first_version, work):
    run = promises.ask()
    with searching.answered_from(first_version, promises.next_number()):
        assert work(run.pk, "after transaction", "kill").ended() == -signal.SIGKILL
        run.refresh_from_db()
        assert run.state == State.DONE
        assert promises.live() == run.version_id
        searching.wait_for(run)
    promises.hold_once_idle()
    promises.next_run_works()


@pytest.mark.parametrize(("action", "name"), [("terminate", "SIGTERM"), ("interrupt", "SIGINT")])
def test_a_signal_cancels_the_run_at_any_point(searching, first_version, work, subtests, action, name):
    for point, _stage in POINTS:
        with subtests.test(point), searching.answered_from(first_version):
            run = promises.ask()
            assert work(run.pk, point, action).ended() == 1
            promises.expect(run, State.CANCELLED, says=name)
            assert promises.live() == first_version
            promises.hold_once_idle()
    promises.next_run_works()


@pytest.mark.parametrize("action", ["terminate", "interrupt"])
def test_a_signal_that_comes_too_late_does_no_harm(searching, first_version, work, action):
    run = promises.ask()
    with searching.answered_from(first_version, promises.next_number()):
        work(run.pk, "in transaction", action).ended()
        run.refresh_from_db()
        assert run.state == State.DONE
        assert promises.live() == run.version_id
        searching.wait_for(run)
    promises.hold_once_idle()
    promises.next_run_works()


def test_a_worker_killed_in_mid_embedding_loses_no_finished_shard(work):
    """The next run encodes the rest alone, and its vectors are those of a run that encodes everything."""
    cast.experts(24)
    run = promises.ask()
    dying = "tests.faults.encoders.DyingEncoder"
    assert work(run.pk, TCS_ENCODER=dying, texts_in_a_shard=5).ended() == -signal.SIGKILL
    assert len(list(paths.encoded_folder().glob("*/*"))) == 2
    encoders.reset()
    next_run = promises.rebuild()
    promises.expect(run, State.CRASHED, stage="embed")
    encoder = encoders.configured()
    documents = [text for text in encoder.encoded if encoder.roles[text] == "document"]
    assert len(documents) == 24 - 2 * 5
    assert (next_run.encoded, next_run.reused) == (14, 10)
    assert not paths.encoded_folder().exists()
    resumed = np.load(paths.version_folder(next_run.version_id) / "vectors.npy")
    afresh = promises.rebuild(reembed=True)
    np.testing.assert_array_equal(np.load(paths.version_folder(afresh.version_id) / "vectors.npy"), resumed)
    promises.hold_once_idle()
