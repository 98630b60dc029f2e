"""manage.py rebuild_index: rebuild the index in this process, or queue the run for a worker."""

from __future__ import annotations

import getpass
import json
import math
import sys
import time
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from experts.safe_text import visible
from indexing import drift, notifications, runlog, runs
from indexing.audit import Actor
from indexing.errors import Busy, IndexingError, NoIndexYet, NotActive, SchedulePaused
from indexing.lib import processes
from indexing.lib.retrying import with_database_retry
from indexing.lib.translation import translated
from indexing.management import schedule
from indexing.models import RebuildRun
from indexing.runs import launch
from indexing.serving import live
from indexing.worker import execute, signals
from indexing.worker.reporter import ShowProgress
from indexing.worker.terminal import log_to_terminal

EXIT_FAILED, EXIT_BUSY, EXIT_HELD = 1, 3, 4
EXIT_CODES = {RebuildRun.State.QUEUED: 0, RebuildRun.State.DONE: 0, RebuildRun.State.HELD: EXIT_HELD}
FOLLOW_SECONDS = 0.5
WAIT_SECONDS = 10
"""How long a run may wait for an external worker before the command says so."""


class Command(BaseCommand):
    help = (
        "Rebuild the index and publish the new version. Exit codes: 0 done, queued or nothing to do, 1 failed, "
        "2 usage, 3 another run is active, 4 built but held for approval."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add(
            "--kind",
            choices=RebuildRun.Kind.values,
            default=RebuildRun.Kind.FULL,
            help="full: build a new version; tags: only assign tags again (default: full)",
        )
        add("--reembed", action="store_true", help="recompute every profile, including unchanged ones (slow)")
        add("--no-wait", action="store_true", help="queue the run for a worker and return")
        add("--reason", default="", help="why; saved with the run and shown in the history")
        add("--dry-run", action="store_true", help="show what a full rebuild would do, without doing it")
        add("--scheduled", action="store_true", help="for cron: do nothing while scheduled rebuilds are paused")
        add(
            "--if-drift",
            type=schedule.parse_share,
            metavar="5%",
            help="as --scheduled, if this share of experts is out of date",
        )
        add(
            "--if-older",
            type=schedule.parse_seconds,
            metavar="24h",
            help="as --scheduled, if the live version is older",
        )
        add("--json", action="store_true", help="print one JSON object on stdout, everything else on stderr")

    def handle(self, **options: Any) -> None:
        """Exit codes: 0 done, queued or nothing to do; 1 failed; 2 usage; 3 another run is active; 4 held.

        Raises CommandError for 1, SystemExit for 3 and 4.
        """
        self.as_json: bool = options["json"]
        try:
            if options["dry_run"]:
                self.report_plan(options["reembed"])
            elif is_due(options["if_drift"], options["if_older"]):
                self.run(options)
            else:
                self.report_nothing("Nothing to do.")
        except SchedulePaused as paused:
            self.report_nothing(translated(paused))
        except Busy as busy:
            self.report(busy.run, busy=translated(busy))
            sys.exit(EXIT_BUSY)
        except IndexingError as error:
            raise CommandError(translated(error)) from error

    def run(self, options: dict[str, Any]) -> None:
        """Request a run, and build it here unless a worker does; the exit code says how it ended.

        Raises Busy, SchedulePaused and Refused if it cannot be requested, SystemExit unless the code is 0.
        """
        scheduled = options["scheduled"] or options["if_drift"] is not None or options["if_older"] is not None
        how = {"reembed": options["reembed"], "scheduled": scheduled, "reason": options["reason"]}
        actor = Actor(name=account(), via=RebuildRun.Via.COMMAND)
        interruption = signals.interruption()
        runs.wait_for_heartbeat(interruption.__bool__)
        if options["no_wait"]:
            run = launch.request(options["kind"], actor, **how)
        elif settings.TCS_WORKER == "external":
            run = self.follow(launch.request(options["kind"], actor, **how), actor, interruption)
        else:
            run = runs.request(options["kind"], actor, owner=processes.me(), **how)
            with log_to_terminal(quiet=not options["verbosity"]) as show:
                run = build_here(run, interruption, show)
        self.report(run)
        if code := EXIT_CODES.get(RebuildRun.State(run.state), EXIT_FAILED):
            sys.exit(code)

    def follow(self, run: RebuildRun, actor: Actor, interruption: signals.Interruption) -> RebuildRun:
        """Show the log of a run that another process builds, until the run ends. Ctrl-C cancels it.

        Says so once if no worker takes the run within WAIT_SECONDS.
        """
        seq = 0
        patience = time.monotonic() + WAIT_SECONDS
        while True:
            run.refresh_from_db()
            if run.state == RebuildRun.State.QUEUED and time.monotonic() > patience:
                patience = math.inf
                self.stderr.write(
                    f"Run {run.pk} is still waiting for a worker, since TCS_WORKER is external. Is one running? "
                    "`manage.py index_worker` starts one; Ctrl-C cancels the run."
                )
            for line in runlog.lines_after(run.pk, seq):
                self.stderr.write(visible(runlog.as_text(line)), ending="")
                seq = line.seq
            if not run.is_active:
                return run
            if interruption and not run.cancel_requested_at:
                try:
                    runs.cancel(run.pk, actor)
                except NotActive:
                    continue  # it has just ended
            runs.reap()
            time.sleep(FOLLOW_SECONDS)

    def report(self, run: RebuildRun, busy: str = "") -> None:
        sentence = busy or run.error_text
        if self.as_json:
            self.stdout.write(
                json.dumps(
                    {
                        "run": run.pk,
                        "kind": run.kind,
                        "state": run.state,
                        "busy": bool(busy),
                        "error": sentence or None,
                        "version": run.version_id,
                        "experts": run.experts,
                        "encoded": run.encoded,
                        "reused": run.reused,
                        "seconds": run.seconds,
                        "gate": run.gate_record.as_dict() if run.gate_record else None,
                    }
                )
            )
        elif sentence:
            self.stderr.write(self.style.ERROR(visible(sentence)))
        elif run.state == RebuildRun.State.DONE:
            version = f", version {run.version_id} is live" if run.version_id else ""
            self.stdout.write(
                f"Run {run.pk} is done: {run.experts:,} experts, {run.encoded:,} encoded, "
                f"{run.reused:,} reused, {run.seconds:.1f} s{version}."
            )
        else:
            self.stdout.write(f"Run {run.pk} is {run.get_state_display()}.")

    def report_nothing(self, sentence: str) -> None:
        if self.as_json:
            self.stdout.write(json.dumps({"run": None, "state": None, "error": None, "nothing": sentence}))
        else:
            self.stdout.write(sentence)

    def report_plan(self, reembed: bool) -> None:
        """Print what a rebuild would do, without doing it. Raises SnapshotInvalid if the live version is damaged."""
        try:
            snapshot = live.load_now()
        except NoIndexYet:
            snapshot = None
        plan = drift.plan_rebuild(snapshot, reembed=reembed)
        if self.as_json:
            self.stdout.write(json.dumps(asdict(plan)))
            return
        time_needed = (
            "no estimate yet, since no comparable run has finished"
            if plan.seconds is None
            else f"about {plan.seconds:,.0f} s"
        )
        fields = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in plan.fields.items())
        fields = f"Changed in: {fields}.\n" if fields else ""
        self.stdout.write(
            f"{plan.experts:,} experts: {plan.added:,} new, {plan.changed:,} changed, {plan.removed:,} removed.\n"
            f"{fields}"
            f"{plan.to_encode:,} texts to encode, {plan.to_reuse:,} vectors to reuse; {time_needed}.\n"
            f"{plan.bytes_needed / 2**20:,.1f} MB needed, {plan.bytes_free / 2**20:,.0f} MB free."
        )


def build_here(run: RebuildRun, interruption: signals.Interruption, show: ShowProgress | None) -> RebuildRun:
    """Build the run in this process. Its map, which is less urgent, is computed by another process."""
    claimed = runs.claim(processes.me(), run.pk)
    if claimed is None:  # cancelled before it was claimed
        run.refresh_from_db()
        return run
    run = execute.execute(claimed, interruption=interruption, show=show)
    with_database_retry(notifications.deliver_due)
    if run.state == RebuildRun.State.DONE and run.version:
        launch.start_worker_for_map(run.version)
    return run


def is_due(max_drift: float | None, max_age: float | None) -> bool:
    """Whether it is time for a rebuild: always without limits, otherwise if one of them is exceeded.

    `max_drift` is a share of the live version's experts, `max_age` is in seconds.
    """
    return (max_drift is None and max_age is None) or bool(schedule.due(max_drift, max_age))


def account() -> str:
    """The account that runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "command"
