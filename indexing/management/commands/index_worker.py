"""manage.py index_worker: build queued runs, one after the other, or a single one."""

from __future__ import annotations

import logging
import os
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections

from indexing import notifications, runs
from indexing.embedding_map.layout import compute
from indexing.lib import processes
from indexing.lib.private_files import make_private
from indexing.lib.retrying import with_database_retry
from indexing.models import IndexState, RebuildRun
from indexing.versions import shared_folder
from indexing.worker import execute, signals

logger = logging.getLogger(__name__)
WAIT_SECONDS = 0.5
LOW, LOWEST = 10, 19
HOUSEKEEPING_EVERY = 10
"""waits for a run"""


class Command(BaseCommand):
    help = "Build queued runs. Without options, wait for runs until stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        one = parser.add_mutually_exclusive_group()
        one.add_argument("--run", type=int, metavar="N", help="build run N if it is queued, then end")
        one.add_argument("--map", type=int, metavar="N", help="compute the map of version N, then end")
        one.add_argument("--once", action="store_true", help="build one queued run if there is one, then end")
        parser.add_argument("--low-priority", action="store_true", help="run at a lower priority than web processes")

    def handle(self, **options: Any) -> None:
        """Exit codes: 0 stopped, or the run is done or held; 1 the run failed or was cancelled; 2 usage.

        Raises CommandError.
        """
        if options["low_priority"]:
            os.nice(LOW)
        interruption = signals.interruption()
        if options["map"] is not None:
            wait_until_assigned(options["map"])
            make_way(options)
            compute.compute(options["map"], interrupted=interruption.__bool__)
            return
        if options["run"] is not None or options["once"]:
            run = with_database_retry(lambda: runs.claim(processes.me(), options["run"]))
            if run is not None:
                execute.execute(run, interruption=interruption)
                with_database_retry(notifications.deliver_due)
                if run.state not in (RebuildRun.State.DONE, RebuildRun.State.HELD):
                    raise CommandError(run.error_text or run.get_state_display())
                if run.version_id:
                    make_way(options)
                    compute.compute(run.version_id, interrupted=interruption.__bool__)
            return
        self.wait_for_runs(interruption)

    def wait_for_runs(self, interruption: signals.Interruption) -> None:
        for said in make_private(settings.DATA_DIR):
            logger.warning("%s", said)
        waits = 0
        while not interruption:
            run = with_database_retry(lambda: runs.claim(processes.me()))
            if run is not None:
                execute.execute(run, interruption=interruption)
                with_database_retry(notifications.deliver_due)
                if run.version_id:
                    compute.compute(run.version_id, interrupted=interruption.__bool__, needed=runs.waiting)
                continue
            if waits % HOUSEKEEPING_EVERY == 0:
                with_database_retry(runs.reap)
                with_database_retry(notifications.deliver_due)
                take_over_map(interruption)
            waits += 1
            close_old_connections()
            time.sleep(WAIT_SECONDS)


def take_over_map(interruption: signals.Interruption) -> None:
    version = with_database_retry(IndexState.read).live_version
    if version is None or not version.map_owner_missing or not with_database_retry(shared_folder.is_shared):
        return
    if version.assign_map(processes.me()):
        compute.compute(version.number, interrupted=interruption.__bool__, needed=runs.waiting)


def make_way(options: dict[str, Any]) -> None:
    """Lower the priority further: only the map is left, and a run that begins now matters more."""
    if options["low_priority"]:
        os.nice(LOWEST - LOW)


def wait_until_assigned(number: int) -> None:
    """Wait until the process that started this one has stored its pid, which is a moment after this one began."""
    give_up = time.monotonic() + 10
    mine = processes.me().as_text()
    while time.monotonic() < give_up:
        if compute.is_assigned(number, mine):
            return
        time.sleep(0.05)
