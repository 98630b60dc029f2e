"""A worker that comes back after its lease finds the fence in its way."""

from __future__ import annotations

import signal

from indexing import runs
from indexing.models import RebuildRun
from tests.faults import promises
from tests.faults.waiting import until
from tests.faults.web import Searching

LEASE = 3


def test_a_worker_stopped_past_its_lease_publishes_nothing(first_version, serve, work, subtests, settings):
    settings.TCS_LEASE_SECONDS = LEASE
    with Searching(serve(TCS_LEASE_SECONDS=str(LEASE))) as searching:
        for point in ("before transaction", "stage vectors", "renamed"):
            with subtests.test(point):
                before = promises.live()
                searching.wait_for_version(before)
                run, mark = promises.ask(), searching.mark()
                stopped = work(run.pk, point, "stop", TCS_LEASE_SECONDS=LEASE)
                stopped.stopped()
                promises.ends(run)
                promises.expect(run, RebuildRun.State.CRASHED, says=f"{LEASE} s")
                searching.more()
                assert searching.versions(mark) == {before}
                other = promises.rebuild()
                searching.wait_for(other)
                with searching.answered_from(promises.live()):
                    stopped.signal(signal.SIGCONT)
                    assert stopped.ended() == 1
                assert promises.live() == other.version_id
                run.refresh_from_db()
                assert run.state == RebuildRun.State.CRASHED
                assert not list(run.lines.filter(level="error").exclude(message=run.error))
                promises.hold_once_idle()
        promises.next_run_works()
    searching.none_failed()


def test_a_worker_that_is_alive_keeps_its_run_however_quiet_it_is(first_version, work, settings):
    """More than two leases in one stage without any progress."""
    settings.TCS_LEASE_SECONDS = LEASE
    run = promises.ask()
    quiet = work(run.pk, "stage vectors", "pause", TCS_LEASE_SECONDS=LEASE)
    quiet.paused()
    run.refresh_from_db()
    enough = run.beats + 2 * 4 + 1

    def beaten_long_enough() -> bool:
        runs.reap()
        run.refresh_from_db()
        return run.beats >= enough

    until(beaten_long_enough, "it beats on")
    assert run.state == RebuildRun.State.RUNNING
    quiet.go_on()
    assert quiet.ended() == 0
    run.refresh_from_db()
    assert run.state == RebuildRun.State.DONE
    promises.hold_once_idle()
