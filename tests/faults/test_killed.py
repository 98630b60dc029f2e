"""The worker is killed, or told to end, at every point of a run."""

from __future__ import annotations

import signal

import pytest

from indexing import runs
from indexing.models import RebuildRun
from tests.faults import promises
from tests.faults.waiting import until
from tests.faults.web import Searching

State = RebuildRun.State
FULL = RebuildRun.STAGES[RebuildRun.Kind.FULL]
STAGES = [(f"stage {stage}", str(stage)) for stage in FULL]
AROUND_PUBLISHING = [
    ("renamed", "verify"),
    ("before transaction", "publish"),
    ("in transaction", "publish"),
]


def test_a_killed_worker_leaves_the_live_version_and_a_lost_run(first_version, serve, work, subtests):
    web = serve()
    with Searching(web) as searching:
        for point, stage in [*STAGES, *AROUND_PUBLISHING]:
            with subtests.test(point):
                before = promises.live()
                until(lambda before=before: web.version() == before, "the live version is served")
                searching.more()
                mark = searching.mark()
                run = promises.ask()
                assert work(run.pk, point, "kill").ended() == -signal.SIGKILL
                if point == "stage embed":
                    promises.ends(run)  # the web process sees it by itself
                else:
                    runs.reap()  # and so does whoever asks for the next run
                promises.expect(run, State.LOST, stage=stage, says=str(RebuildRun.Stage(stage).label))
                until(nothing_is_left, "what it had begun is swept away", 5)
                promises.hold_once_idle()
                assert promises.live() == before
                searching.more()
                assert searching.versions(mark) == {before}
                promises.next_run_works()
    searching.none_failed()


def nothing_is_left() -> bool:
    """The web process deletes just after the run has ended."""
    return not [name for name in promises.folders() if not name.isdigit()]


def test_a_worker_killed_right_after_its_transaction_has_published(first_version, work):
    run = promises.ask()
    assert work(run.pk, "after transaction", "kill").ended() == -signal.SIGKILL
    run.refresh_from_db()
    assert run.state == State.DONE
    assert promises.live() == run.version_id
    promises.hold()
    promises.next_run_works()


@pytest.mark.parametrize(("action", "name"), [("terminate", "SIGTERM"), ("interrupt", "SIGINT")])
def test_a_signal_cancels_the_run_at_any_point(first_version, work, subtests, action, name):
    for point, _stage in [*STAGES, ("renamed", "verify")]:
        with subtests.test(point):
            run = promises.ask()
            assert work(run.pk, point, action).ended() == 1
            promises.expect(run, State.CANCELLED, says=name)
            assert promises.live() == first_version
            promises.hold_once_idle()
    promises.next_run_works()


@pytest.mark.parametrize("action", ["terminate", "interrupt"])
def test_a_signal_that_comes_too_late_is_no_harm(first_version, work, action):
    run = promises.ask()
    work(run.pk, "in transaction", action).ended()
    run.refresh_from_db()
    assert run.state == State.DONE
    assert promises.live() == run.version_id
    promises.hold_once_idle()
