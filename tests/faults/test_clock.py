"""Clocks that differ, or are set during a run, lose no run that is alive."""

from __future__ import annotations

from indexing.models import RebuildRun
from tests.faults import promises
from tests.faults.waiting import until
from tests.faults.web import Searching

LEASE = 4
HOUR = 3_600
BEATS = 10
"""Two and a half leases' worth: each of the web processes has looked several times meanwhile."""


def test_no_clock_an_hour_off_loses_a_run_that_beats(first_version, serve, work, settings):
    """For one web process each heartbeat lies an hour back, 1,800 leases; for the other an hour ahead."""
    settings.TCS_LEASE_SECONDS = LEASE
    webs = [
        serve(
            DJANGO_SETTINGS_MODULE="tests.faults.shifted_clock",
            TCS_TEST_CLOCK_SHIFT=str(shift),
            TCS_LEASE_SECONDS=str(LEASE),
        )
        for shift in (HOUR, -HOUR)
    ]
    with Searching(*webs) as searching:
        run = promises.ask()
        worker = work(run.pk, "stage vectors", "pause", TCS_LEASE_SECONDS=LEASE)
        worker.paused()
        run.refresh_from_db()
        enough = run.beats + BEATS

        def beaten() -> bool:
            run.refresh_from_db()
            return run.beats >= enough or not run.is_active

        until(beaten, "it beats on")
        assert run.state == RebuildRun.State.RUNNING, run.error
        worker.go_on()
        assert worker.ended() == 0
        run.refresh_from_db()
        assert run.state == RebuildRun.State.DONE, run.error
        searching.wait_for(run)
        promises.hold_once_idle()
        promises.next_run_works()
    searching.none_failed()
