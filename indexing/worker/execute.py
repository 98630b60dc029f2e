"""The worker: builds what a claimed run asks for and records the outcome."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from indexing import runs
from indexing.building import pipeline
from indexing.drift import samples
from indexing.errors import Cancelled, FenceLost, IndexingError
from indexing.lib import paths, processes
from indexing.lib.retrying import with_database_retry
from indexing.models import IndexState, RebuildRun
from indexing.quality import gate
from indexing.runlog import RunLogHandler
from indexing.versions import sweep
from indexing.worker import evidence

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.25
BEAT_SECONDS = 2.0
"""Or a quarter of the lease, if that is shorter: one late beat must not lose a healthy run."""
Show = Callable[[str, int, int], None]
"""Called with stage, done and total whenever progress was made."""


class Interruption:
    """Set by a signal handler, read by the worker between two steps."""

    def __init__(self) -> None:
        self.signal = ""

    def __bool__(self) -> bool:
        return bool(self.signal)


@dataclass
class _Stage:
    """One stage's progress, as the build reports it."""

    name: str
    check: Callable[[], None]
    show: Show | None
    done: int = 0
    total: int = 0
    summary: str = ""
    first: tuple[float, int] | None = None
    """When the first items were done, and how many"""
    began: float = field(default_factory=time.monotonic)

    @property
    def rate(self) -> float | None:
        if self.first is None or self.done == self.first[1]:
            return None
        return (self.done - self.first[1]) / max(time.monotonic() - self.first[0], 1e-6)

    def expect(self, total: int) -> None:
        self.total = total

    def advance(self, count: int = 1) -> None:
        self.done += count
        if self.first is None:
            self.first = (time.monotonic(), self.done)
        if self.show:
            self.show(self.name, self.done, self.total)
        self.check()

    def summarise(self, sentence: str) -> None:
        self.summary = sentence


class RunReporter:
    """Writes a build's progress to its run, keeps the lease alive, and stops the build when it must stop."""

    def __init__(self, run: RebuildRun, log: RunLogHandler, interruption: Interruption, show: Show | None) -> None:
        self.run = run
        self.stages: list[dict[str, Any]] = []
        self._log = log
        self._interruption = interruption
        self._show = show
        self._stage: _Stage | None = None
        self._stop: IndexingError | None = None
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
    def stage(self, name: str) -> Iterator[_Stage]:
        self.check()
        stage = _Stage(name, self.check, self._show)
        self._stage = stage
        self._log.stage = name
        self._beat()
        try:
            yield stage
        finally:
            # also of a stage that failed: what it had done stands in the history
            self._stage = None
            entry = _entry(stage, time.monotonic() - stage.began)
            self.stages.append(entry)
        logger.info("%s", entry["summary"])
        self._beat(stage)

    def _beat(self, stage: _Stage | None = None) -> None:
        stage = stage or self._stage
        progress: dict[str, Any] = {"stages": list(self.stages)}
        if stage is not None:
            progress |= {
                "stage": stage.name,
                "done": stage.done,
                "total": stage.total,
                "rate": stage.rate,
            }
        if with_database_retry(lambda: runs.beat(self.run, **progress)):
            self._stop = Cancelled(_("Somebody asked to cancel."))

    def _keep_beating(self) -> None:
        told: tuple[object, ...] = ()
        next_beat = 0.0
        beat_every = min(BEAT_SECONDS, settings.TCS_LEASE_SECONDS / 4)
        while not self._ended.wait(TICK_SECONDS):
            stage = self._stage
            news = (stage.name, stage.done, stage.total) if stage else ()
            if news == told and time.monotonic() < next_beat:
                continue
            try:
                self._beat()
            except FenceLost as error:
                self._stop = error
                break
            told, next_beat = news, time.monotonic() + beat_every
        connection.close()


def execute(run: RebuildRun, *, interruption: Interruption | None = None, show: Show | None = None) -> RebuildRun:
    """Build what the claimed run asks for; returns the run in its final state, whatever happens.

    The outermost edge of the worker: every error ends the run with a sentence and leaves a traceback in its log.
    """
    interruption = Interruption() if interruption is None else interruption  # one that is not set yet is false
    log = RunLogHandler(run.pk)
    listening = [logging.getLogger(name) for name in ("indexing", "experts", "py.warnings")]
    for source in listening:
        source.addHandler(log)
    try:
        with RunReporter(run, log, interruption, show) as reporter:
            _build(run, reporter, log)
        with_database_retry(sweep.retire_old)
    except Cancelled:
        log.flush()
        with_database_retry(lambda: runs.end_cancelled(run, interruption.signal))
    except FenceLost:
        _say_that_it_was_lost(run)
    except IndexingError as error:
        logger.debug("The build stopped.", exc_info=True)
        log.flush()
        _fail(run, str(error))
    except Exception as error:  # noqa: BLE001  whatever it is, the run must end in a true state
        if with_database_retry(RebuildRun.objects.held_by(run).exists):
            logger.exception(gettext_noop("The build failed"))
            log.flush()
            _fail(
                run,
                _("Unexpected error (%(name)s: %(error)s); the log has the details.")
                % {"name": type(error).__name__, "error": error},
            )
        else:  # lost: its files may have been swept away under it
            _say_that_it_was_lost(run)
    finally:
        with_database_retry(sweep.remove_leftovers)
        for source in listening:
            source.removeHandler(log)
        log.close()
    with_database_retry(run.refresh_from_db)
    if run.state == RebuildRun.State.DONE and run.version_id:
        samples.attempt()
    return run


def _build(run: RebuildRun, reporter: RunReporter, log: RunLogHandler) -> None:
    previous = with_database_retry(IndexState.read).live_version
    order = pipeline.Order(
        kind="full" if run.kind == RebuildRun.Kind.FULL else "tags",
        reembed=run.reembed,
        fence=run.fence,
        number=run.version_id,
        previous=paths.version_folder(previous.number) if previous else None,
        exact_up_to=settings.TCS_EXACT_UP_TO,
        tag_threshold=settings.TCS_TAG_THRESHOLD,
    )
    logger.info(gettext_noop("Worker %s started."), processes.me().pid)
    built = pipeline.build(order, reporter)
    report = None
    if built.manifest is not None:
        report = _judge(built, reporter)
        with reporter.stage(RebuildRun.Stage.PUBLISH) as stage:
            stage.summarise(_("version %(number)s is ready") % {"number": run.version_id})
    outcome = _outcome(built, reporter, report)
    reporter.check()
    log.flush()
    with_database_retry(lambda: _decide(run, outcome, report))


def _judge(built: pipeline.Built, reporter: RunReporter) -> gate.Report:
    with reporter.stage(RebuildRun.Stage.GATE) as stage:
        report = gate.judge(with_database_retry(lambda: evidence.gather(built)), gate.limits_from(settings))
        stage.expect(len(report.verdicts))
        stage.advance(len(report.verdicts))
        for verdict in report.verdicts:
            level = logging.INFO if verdict.passed else logging.WARNING if verdict.warning else logging.ERROR
            logger.log(level, "%s: %s", verdict.rule, verdict.sentence)
        stage.summarise(_("the gate is passed") if report.passed else _("the gate is not passed"))
    return report


def _decide(run: RebuildRun, outcome: runs.BuildOutcome, report: gate.Report | None) -> None:
    if report is None:
        runs.complete(run, outcome)
    elif not report.passed:
        runs.hold(run, outcome, report.why)
    elif settings.TCS_APPROVE == "always":
        runs.hold(run, outcome, _("It waits for another person's approval."))
    else:
        runs.publish(run, outcome)


def _outcome(built: pipeline.Built, reporter: RunReporter, report: gate.Report | None) -> runs.BuildOutcome:
    manifest = built.manifest
    made = runs.BuildOutcome(
        experts=built.experts,
        encoded=built.encoded,
        reused=built.reused,
        peak_mb=processes.peak_mb(),
        stages=reporter.stages,
        gate=report.as_dict() if report else {},
    )
    if manifest is None:
        return made
    return replace(
        made,
        dimension=manifest.dimension,
        model_name=manifest.model_name,
        model_fingerprint=manifest.fingerprint,
        bytes=manifest.bytes,
        manifest_sha256=built.manifest_sha256,
    )


def _say_that_it_was_lost(run: RebuildRun) -> None:
    with_database_retry(run.refresh_from_db)
    if run.state != RebuildRun.State.DONE:  # it is done when the answer to our commit got lost on the way
        logger.warning("Run %s is no longer this worker's: it publishes nothing.", run.pk)


def _fail(run: RebuildRun, sentence: str) -> None:
    with_database_retry(lambda: runs.fail(run, sentence, peak_mb=processes.peak_mb()))


def _entry(stage: _Stage, seconds: float) -> dict[str, Any]:
    """A stage's line in the history."""
    rate = stage.done / seconds if seconds > 0 and stage.done else None
    took = _("%(seconds).1f s") % {"seconds": seconds}
    if rate:
        took = _("%(seconds).1f s (%(rate)s/s)") % {"seconds": seconds, "rate": f"{rate:,.0f}"}
    what = stage.summary or f"{stage.done:,}/{stage.total:,}"
    summary = f"{what[:1].upper()}{what[1:]}: {took}"
    return {
        "stage": stage.name,
        "seconds": round(seconds, 3),
        "done": stage.done,
        "rate": rate,
        "summary": summary,
        "lead": round(stage.first[0] - stage.began, 3) if stage.first else None,
        "pace": stage.rate,
    }
