"""Ending the web process does not end the run that it started."""

from __future__ import annotations

import os
import signal

import psutil
from django.conf import settings

from indexing.lib.processes import Owner
from indexing.models import RebuildRun
from tests.faults import promises, workers
from tests.faults.marks import GO_ON, PAUSED
from tests.faults.waiting import until
from tests.faults.web import Searching


def test_the_run_goes_on_when_its_web_process_ends(first_version, serve, subtests):
    """Ctrl-C reaches every process of the terminal's group: the worker is in none of the web process's.

    Each of the web processes that are ended is, as it starts, the one before restarted: it serves what is live.
    """
    with Searching(serve()) as searching:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
            with subtests.test(number.name):
                workers.clear_marks()
                before = promises.live()
                web = serve(
                    executed=number == signal.SIGINT,  # only Ctrl-C asks how a process was started
                    TCS_WORKER="subprocess",
                    TCS_ENCODER="tests.faults.encoders.GatedEncoder",
                )
                assert web.version() == before
                searching.wait_for_version(before)
                with searching.answered_from(before):
                    started = web.post("/api/admin/ingest/run", {"reembed": True})
                    assert started.status_code == 202, started.text
                    run = RebuildRun.objects.get(pk=started.json()["run"])
                    until((settings.DATA_DIR / PAUSED).exists, "the worker encodes", 120)
                    run.refresh_from_db()
                    owner = Owner.from_text(run.owner)
                    assert owner is not None
                    os.killpg(web.process.pid, number)
                    web.process.wait(60)
                    assert not owner.is_gone
                try:
                    (settings.DATA_DIR / GO_ON).touch()
                    promises.ends(run)
                    assert run.state == RebuildRun.State.DONE, run.error
                    assert promises.live() == run.version_id
                    promises.hold_once_idle()
                finally:
                    workers.clear_marks()
                    if not owner.is_gone:  # it computes the map still
                        psutil.Process(owner.pid).kill()
        searching.wait_for(promises.next_run_works())
    searching.none_failed()
