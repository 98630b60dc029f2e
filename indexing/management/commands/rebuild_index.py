"""Rebuild the index, here and now, or leave it to a worker."""

from __future__ import annotations

import getpass
import json
import logging
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from indexing import launch, processes, runlog, runs, signals, worker
from indexing.audit import Actor
from indexing.errors import Busy, IndexingError
from indexing.models import RebuildRun

EXIT_FAILED, EXIT_BUSY, EXIT_HELD = 1, 3, 4
EXIT_CODES = {RebuildRun.State.DONE: 0, RebuildRun.State.HELD: EXIT_HELD}
FOLLOW_SECONDS = 0.5


class Command(BaseCommand):
    help = (
        "Rebuild the index and publish the new version. "
        "Exit codes: 0 done (or queued), 1 failed, 2 usage, 3 another run is going, 4 built but held."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--kind", choices=RebuildRun.Kind.values, default=RebuildRun.Kind.FULL,
            help="full: a new version; tags: assign tags again, no new version",
        )  # fmt: skip
        parser.add_argument("--reembed", action="store_true", help="encode every text again, also unchanged ones")
        parser.add_argument("--no-wait", action="store_true", help="queue the run for a worker and return")
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout, all else on stderr")

    def handle(self, *, kind: str, reembed: bool, no_wait: bool, **options: Any) -> None:
        self.as_json: bool = options["json"]
        actor = Actor(name=account(), via=RebuildRun.Via.COMMAND)
        interruption = signals.interruption()
        try:
            if no_wait:
                self.report(launch.request(kind, actor, reembed=reembed))
                return
            if settings.TCS_WORKER == "external":
                run = self.follow(launch.request(kind, actor, reembed=reembed), actor, interruption)
            else:
                run = self.build(kind, actor, reembed, interruption, int(options["verbosity"]))
        except Busy as busy:
            self.report(busy.run, error=str(busy))
            sys.exit(EXIT_BUSY)
        self.report(run)
        if code := EXIT_CODES.get(RebuildRun.State(run.state), EXIT_FAILED):
            sys.exit(code)

    def build(
        self, kind: str, actor: Actor, reembed: bool, interruption: worker.Interruption, verbosity: int
    ) -> RebuildRun:
        """Be the worker of the run. Its map, which can wait, is left to a process in the background."""
        run = runs.request(kind, actor, reembed=reembed, owner=processes.me())
        claimed = runs.claim(processes.me(), run.pk)
        if claimed is None:  # cancelled in between
            run.refresh_from_db()
            return run
        progress = TerminalProgress() if sys.stderr.isatty() and verbosity else None
        narration = logging.StreamHandler(progress or sys.stderr)
        if verbosity:
            logging.getLogger("indexing").addHandler(narration)
        logging.getLogger("indexing").propagate = False  # said once is enough
        try:
            run = worker.execute(claimed, interruption=interruption, show=progress.show if progress else None)
        finally:
            logging.getLogger("indexing").propagate = True
            logging.getLogger("indexing").removeHandler(narration)
        if run.state == RebuildRun.State.DONE and run.version:
            launch.start_worker_for_map(run.version)
        return run

    def follow(self, run: RebuildRun, actor: Actor, interruption: worker.Interruption) -> RebuildRun:
        """Show the log of a run that another process builds, until it ends. Ctrl-C cancels it."""
        seq = 0
        while True:
            run.refresh_from_db()
            for line in runlog.read(run.pk, seq):
                self.stderr.write(runlog.as_text(line), ending="")
                seq = line.seq
            if not run.is_active:
                return run
            if interruption and not run.cancel_requested_at:
                try:
                    runs.cancel(run.pk, actor)
                except IndexingError:
                    continue  # it ended in this moment
            runs.reap()
            time.sleep(FOLLOW_SECONDS)

    def report(self, run: RebuildRun, error: str = "") -> None:
        sentence = error or run.error
        if self.as_json:
            self.stdout.write(json.dumps({
                "run": run.pk, "kind": run.kind, "state": run.state, "busy": bool(error),
                "error": sentence or None, "version": run.version_id, "experts": run.experts,
                "encoded": run.encoded, "reused": run.reused, "seconds": run.seconds,
            }))  # fmt: skip
        elif sentence:
            self.stderr.write(self.style.ERROR(sentence))
        elif run.state == RebuildRun.State.QUEUED:
            self.stdout.write(f"Run {run.pk} is queued.")
        else:
            version = f", version {run.version_id} is live" if run.version_id else ""
            self.stdout.write(
                f"Run {run.pk} is {run.get_state_display()}: {run.experts:,} experts, {run.encoded:,} encoded, "
                f"{run.reused:,} reused, {run.seconds:.1f} s{version}."
            )


class TerminalProgress:
    """A progress line on a terminal, kept below the lines of the log."""

    WIDTH = 30

    def __init__(self) -> None:
        self._line = ""

    def show(self, stage: str, done: int, total: int) -> None:
        share = min(done / total, 1.0) if total else 0.0
        bar = "#" * round(share * self.WIDTH)
        self._replace(f"{stage:9} [{bar:{self.WIDTH}}] {done:,}/{total:,}" if total else f"{stage:9} {done:,}")

    def write(self, text: str) -> None:
        """For the log handler: the line goes above the progress."""
        sys.stderr.write(f"\r\x1b[K{text}")
        self._line = ""

    def flush(self) -> None:
        sys.stderr.flush()

    def _replace(self, line: str) -> None:
        if line != self._line:
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
            self._line = line


def account() -> str:
    """Who runs the command, as the operating system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "command"
