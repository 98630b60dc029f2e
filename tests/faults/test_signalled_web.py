"""Ending the web process does not end the run that it started."""

from __future__ import annotations

import os
import signal

import psutil
import pytest
from django.conf import settings

from indexing.models import RebuildRun
from indexing.processes import Owner
from tests.faults import promises, workers
from tests.faults.marks import GO_ON, PAUSED
from tests.faults.waiting import until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_run_goes_on_when_its_web_process_ends(first_version, serve, number):
    """Ctrl-C reaches every process of the terminal's group: the worker is in none of the web process's."""
    workers.clear_marks()
    web = serve(TCS_ENCODER="tests.faults.encoders.GatedEncoder")
    started = web.post("/api/admin/ingest/run", {"reembed": True})
    assert started.status_code == 202, started.text
    run = RebuildRun.objects.get(pk=started.json()["run"])
    until((settings.DATA_DIR / PAUSED).exists, "the worker encodes")
    run.refresh_from_db()
    owner = Owner.from_text(run.owner)
    assert owner is not None
    try:
        os.killpg(web.process.pid, number)
        web.process.wait(30)
        assert not owner.is_gone
        (settings.DATA_DIR / GO_ON).touch()
        promises.ends(run)
        assert run.state == RebuildRun.State.DONE, run.error
        assert promises.live() == run.version_id
        promises.hold_once_idle()
    finally:
        workers.clear_marks()
        if not owner.is_gone:  # it computes the map still
            psutil.Process(owner.pid).kill()
    assert serve().version() == run.version_id
