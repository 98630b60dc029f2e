"""The worker: builds what a claimed run asks for and records the outcome."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext_noop

from indexing import runs
from indexing.building import pipeline, shards
from indexing.drift import samples
from indexing.errors import BucketUnavailable, Cancelled, FenceLost, IndexingError, SnapshotInvalid, VerifyFailed
from indexing.lib import paths, processes
from indexing.lib.messages import Message, message
from indexing.lib.retrying import with_database_retry
from indexing.models import IndexState, IndexVersion, RebuildRun, Synonym
from indexing.quality import gate
from indexing.runlog import RunLogHandler
from indexing.snapshot.recall import WANTED
from indexing.snapshot.synonyms import Synonyms
from indexing.versions import bucket, data_folder, engines, shared_folder, sweep
from indexing.worker import gate_evidence
from indexing.worker.reporter import RunReporter, ShowProgress
from indexing.worker.signals import Interruption

logger = logging.getLogger(__name__)


def execute(
    run: RebuildRun, *, interruption: Interruption | None = None, show: ShowProgress | None = None
) -> RebuildRun:
    """Build what the claimed run asks for; returns the run in its final state, whatever happens.

    The outermost edge of the worker: every error ends the run with a sentence and leaves a traceback in its log.
    """
    interruption = Interruption() if interruption is None else interruption  # one that is not set yet is false
    with _logged(run) as log:
        try:
            with RunReporter(run, log, interruption, show) as reporter:
                _build(run, reporter, log)
            with_database_retry(sweep.mark_old_deleted)
        except Cancelled:
            log.flush()
            with_database_retry(lambda: runs.end_cancelled(run, interruption.signal))
        except FenceLost:
            _log_lost(run)
        except IndexingError as error:
            logger.debug("The build stopped.", exc_info=True)
            log.flush()
            if isinstance(error, VerifyFailed):
                shards.forget(paths.encoded_folder())
            _fail(run, error.message)
        except Exception as error:  # noqa: BLE001  whatever it is, the run must end in a true state
            _end_after(error, run, log)
        finally:
            with_database_retry(sweep.delete_leftovers)
    with_database_retry(run.refresh_from_db)
    if run.state == RebuildRun.State.DONE and run.version_id:
        shards.forget(paths.encoded_folder())
        samples.attempt()
    return run


@contextmanager
def _logged(run: RebuildRun) -> Iterator[RunLogHandler]:
    """Write what the index and the directory log meanwhile to the run's log."""
    log = RunLogHandler(run.pk)
    sources = [logging.getLogger(name) for name in ("indexing", "experts", "py.warnings")]
    for source in sources:
        source.addHandler(log)
    try:
        yield log
    finally:
        for source in sources:
            source.removeHandler(log)
        log.close()


def _end_after(error: Exception, run: RebuildRun, log: RunLogHandler) -> None:
    """End the run after an unexpected error. Call it while the error is being handled."""
    if not with_database_retry(RebuildRun.objects.owned_by(run).exists):
        _log_lost(run)  # its files may have been deleted by then, which would explain the error
        return
    logger.exception(gettext_noop("The build failed"))
    log.flush()
    _fail(
        run,
        message(
            "Unexpected error (%(name)s: %(error)s). The log has the details.",
            name=type(error).__name__,
            error=error,
        ),
    )


def _build(run: RebuildRun, reporter: RunReporter, log: RunLogHandler) -> None:
    with_database_retry(data_folder.claim)
    with_database_retry(shared_folder.require_shared)
    bucket.prepare(reporter.check)
    state = with_database_retry(IndexState.read)
    order = pipeline.Order(
        kind="full" if run.kind == RebuildRun.Kind.FULL else "tags",
        reembed=run.reembed,
        fence=run.fence,
        number=run.version_id,
        previous=_folder_of(state.live_version),
        exact_up_to=settings.TCS_EXACT_UP_TO,
        tag_threshold=settings.TCS_TAG_THRESHOLD,
        recall=max(WANTED, settings.TCS_GATE_MIN_RECALL),
        synonyms=Synonyms(with_database_retry(Synonym.objects.entries)),
        database=state.database_id,
        encoded=paths.encoded_folder(),
        scheduler=settings.TCS_ENCODE,
        processes=settings.TCS_WORKER_PROCESSES,
        engine=engines.for_new_versions(),
    )
    logger.info(gettext_noop("Worker %s started."), processes.me().pid)
    built = pipeline.build(order, reporter)
    report = None
    if built.manifest is not None:
        report = _judge(built, reporter)
        with reporter.stage(RebuildRun.Stage.PUBLISH) as stage:
            bucket.keep(paths.version_folder(built.manifest.number), built.manifest_sha256, reporter.check)
            stage.summarise(message("Version %(number)s is ready", number=run.version_id))
    outcome = _outcome(built, reporter, report)
    if built.manifest is not None:
        with_database_retry(shared_folder.require_shared)
    reporter.check()
    log.flush()
    with_database_retry(lambda: publish_or_hold(run, outcome, report))


def _folder_of(live: IndexVersion | None) -> Path | None:
    """Where the files of the live version are: on this machine, if they can be had. Raises BucketUnavailable."""
    try:
        return bucket.folder_of(live) if live else None
    except BucketUnavailable:
        raise
    except SnapshotInvalid as error:  # a new version is what replaces a damaged one
        logger.warning("%s", error)
        return None


def _judge(built: pipeline.Built, reporter: RunReporter) -> gate.Report:
    with reporter.stage(RebuildRun.Stage.GATE) as stage:
        report = gate.judge(with_database_retry(lambda: gate_evidence.gather(built)), gate.limits_from(settings))
        stage.expect(len(report.verdicts))
        stage.advance(len(report.verdicts))
        for verdict in report.verdicts:
            level = logging.INFO if verdict.passed else logging.WARNING if verdict.warning else logging.ERROR
            logger.log(level, "%s: %s", verdict.rule, verdict.sentence)
        stage.summarise(message("All checks passed") if report.passed else message("Some checks failed"))
    return report


def publish_or_hold(run: RebuildRun, outcome: runs.BuildOutcome, report: gate.Report | None) -> None:
    """End the run well. A run without a report is a tags-only one, which built no version."""
    if report is None:
        runs.complete(run, outcome)
    elif not report.passed:
        runs.hold(run, outcome, report.why)
    elif settings.TCS_APPROVE == "always":
        runs.hold(run, outcome, message("It needs another person's approval."))
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
        gate=report.as_record() if report else None,
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
        tests=report.evidence.test_figures if report else None,
    )


def _log_lost(run: RebuildRun) -> None:
    with_database_retry(run.refresh_from_db)
    if run.state != RebuildRun.State.DONE:  # done: only the answer to our commit was lost
        logger.warning(
            message("Run %(number)s no longer belongs to this worker, so it published nothing.", number=run.pk)
        )


def _fail(run: RebuildRun, sentence: Message) -> None:
    with_database_retry(lambda: runs.fail(run, sentence, peak_mb=processes.peak_mb()))
