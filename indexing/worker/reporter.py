"""Writes a build's progress to its run, and keeps the run's lease alive."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection

from indexing import runs
from indexing.errors import Cancelled, FenceLost, IndexingError
from indexing.lib.messages import Message, message
from indexing.lib.pulse import Pulse
from indexing.lib.retrying import with_database_retry
from indexing.lib.threads import keep_working
from indexing.models import RebuildRun
from indexing.models.run_records import StageRecord
from indexing.runlog import RunLogHandler
from indexing.runs import estimates
from indexing.worker.signals import Interruption

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.25
BEAT_SECONDS = 2.0
"""Or a quarter of the lease, if that is shorter: one late beat must not end a healthy run."""
LINE_SECONDS = 10.0
"""How often a stage that takes longer says in the log how far it is."""
ShowProgress = Callable[[str, int, int], None]
"""Called with stage, done and total whenever progress was made."""


@dataclass
class StageInProgress:
    """One stage's progress, as the build reports it; a `building.reporting.StageProgress`."""

    name: str
    check: Callable[[], None]
    show: ShowProgress | None
    done: int = 0
    total: int = 0
    summary: Message | None = None
    first: tuple[float, int] | None = None
    """When the first items were done, and how many"""
    began: float = field(default_factory=time.monotonic)
    said: float = field(default_factory=time.monotonic)
    """When its last line went into the log"""

    @property
    def rate(self) -> float | None:
        if self.first is None or self.done == self.first[1]:
            return None
        return (self.done - self.first[1]) / max(time.monotonic() - self.first[0], 1e-6)

    @property
    def progress(self) -> Message:
        """How far it is, for the log."""
        if not self.done:
            return message("Preparing, %(seconds)d s so far", seconds=round(time.monotonic() - self.began))
        progress = message("%(done)d of %(total)d", done=self.done, total=self.total)
        if not (rate := self.rate):
            return progress
        pace = message("%(rate)d/s", rate=round(rate)) if rate >= 10 else message("%(rate).1f/s", rate=rate)
        left = estimates.in_words((self.total - self.done) / rate)
        return message("%(progress)s · %(pace)s · %(left)s", progress=progress, pace=pace, left=left)

    def expect(self, total: int) -> None:
        self.total = total

    def advance(self, count: int = 1) -> None:
        """Count `count` more items as done and show it. Raises Cancelled or FenceLost when the build must stop."""
        self.done += count
        if self.first is None and self.done:
            self.first = (time.monotonic(), self.done)
        if self.show:
            self.show(self.name, self.done, self.total)
        self.check()

    def summarise(self, sentence: Message) -> None:
        self.summary = sentence


class RunReporter:
    """Writes a build's progress to its run, keeps the lease alive, and stops the build when it must stop."""

    def __init__(
        self, run: RebuildRun, log: RunLogHandler, interruption: Interruption, show: ShowProgress | None
    ) -> None:
        self.run = run
        self.stages: list[StageRecord] = []
        self._log = log
        self._interruption = interruption
        self._show = show
        self._stage: StageInProgress | None = None
        self._stop: IndexingError | None = None
        self._reported: tuple[object, ...] = ()
        self._next_beat = 0.0
        self._beating = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_beating, name="heartbeat", daemon=True)

    def __enter__(self) -> RunReporter:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ended.set()
        self._thread.join()

    def check(self) -> None:
        """Raises Cancelled or FenceLost when the build must stop."""
        if self._interruption:
            raise Cancelled(self._interruption.signal)
        if self._stop is not None:
            raise self._stop

    @contextmanager
    def stage(self, name: str) -> Iterator[StageInProgress]:
        """Time a stage of the build and record it, even if it fails.

        Raises Cancelled or FenceLost if the build must stop.
        """
        self.check()
        stage = StageInProgress(name, self.check, self._show)
        self._stage = stage
        self._log.stage = name
        self.beat()
        try:
            yield stage
        finally:
            # Also when the stage failed: the history shows how far it came.
            self._stage = None
            entry = _record(stage, time.monotonic() - stage.began)
            self.stages.append(entry)
        logger.info("%s", entry.summary)
        self.beat(stage)

    def beat(self, stage: StageInProgress | None = None) -> None:
        """Write the progress and a heartbeat; note it if the run is to be cancelled. Raises FenceLost.

        One at a time: the thread must not write the stage before over the one that has just begun.
        """
        with self._beating:
            stage = stage or self._stage
            progress: dict[str, Any] = {"stages": [each.as_row() for each in self.stages]}
            if stage is not None:
                progress |= {
                    "stage": stage.name,
                    "done": stage.done,
                    "total": stage.total,
                    "rate": stage.rate,
                }
            if with_database_retry(lambda: runs.beat(self.run, **progress)):
                self._stop = Cancelled(message("Its cancellation was requested."))

    def _keep_beating(self) -> None:
        keep_working(
            self._tick, self._ended, Pulse("heartbeat"), retry_seconds=TICK_SECONDS, first_pause=TICK_SECONDS
        )
        connection.close()

    def _tick(self) -> float | None:
        """A heartbeat if there is progress to write, or if one is due; None once the run is another worker's."""
        stage = self._stage
        self._log_progress(stage)
        current = (stage.name, stage.done, stage.total) if stage else ()
        if current == self._reported and time.monotonic() < self._next_beat:
            return TICK_SECONDS
        try:
            self.beat()
        except FenceLost as error:
            self._stop = error
            return None
        self._reported = current
        self._next_beat = time.monotonic() + min(BEAT_SECONDS, settings.TCS_LEASE_SECONDS / 4)
        return TICK_SECONDS

    def _log_progress(self, stage: StageInProgress | None) -> None:
        """A line every ten seconds: whoever reads the log sees that a long stage goes on, and how fast."""
        if stage is None or not stage.total or time.monotonic() < stage.said + LINE_SECONDS:
            return
        stage.said = time.monotonic()
        logger.info("%s", stage.progress)


def _record(stage: StageInProgress, seconds: float) -> StageRecord:
    """A stage's line in the history."""
    rate = stage.done / seconds if seconds > 0 and stage.done else None
    what = stage.summary or message("%(done)d of %(total)d", done=stage.done, total=stage.total)
    if rate:
        summary = message("%(what)s: %(seconds).1f s (%(rate)d/s)", what=what, seconds=seconds, rate=round(rate))
    else:
        summary = message("%(what)s: %(seconds).1f s", what=what, seconds=seconds)
    return StageRecord(
        stage=stage.name,
        seconds=round(seconds, 3),
        done=stage.done,
        rate=rate,
        summary=summary,
        lead=round(stage.first[0] - stage.began, 3) if stage.first else None,
        pace=stage.rate,
    )
