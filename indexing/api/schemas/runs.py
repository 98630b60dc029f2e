"""Runs with their logs and gate reports, as the API describes them. Times are Unix seconds."""

from __future__ import annotations

from typing import Literal

from ninja import Field, Schema

from indexing.api.schemas.common import NO_NUL
from indexing.audit import MAX_REASON
from indexing.lib.times import unix
from indexing.models import RebuildRun, RunLogLine
from indexing.models.run_records import GateRecord, StageRecord
from indexing.runs import status

OutsideState = Literal["idle", "running", "done", "error"]


class RunRequest(Schema):
    kind: Literal["full", "tags"] = "full"
    reembed: bool = Field(default=False, description="Recompute every profile, including unchanged ones.")
    reason: str = Field(default="", max_length=MAX_REASON, pattern=NO_NUL, description="Reason, saved with the run.")


class Started(Schema):
    status: Literal["started"] = "started"
    run: int


class Cancelling(Schema):
    status: Literal["cancelling", "cancelled"]
    run: int


class Progress(Schema):
    """The current stage of the active run; `seconds_left` is for the whole run."""

    done: int
    total: int
    rate: float | None = Field(description="Items per second.")
    percent: int | None
    seconds_left: float | None = Field(description="Estimated from similar earlier runs; null if there are none.")
    earlier_runs: int = Field(description="How many earlier runs `seconds_left` is based on.")

    @classmethod
    def from_progress(cls, progress: status.Progress) -> Progress:
        return cls(
            done=progress.done,
            total=progress.total,
            rate=progress.rate,
            percent=progress.percent,
            seconds_left=progress.seconds_left,
            earlier_runs=progress.left.runs,
        )


class Drift(Schema):
    """Changes in the directory since the live version was built, as measured at `as_of`."""

    grade: Literal["never", "current", "drifting", "stale", "unknown"] = Field(
        description="never: no version is live; unknown: its files cannot be read."
    )
    sentence: str
    version: int | None = Field(description="The live version.")
    built_at: float | None
    as_of: float | None
    count: int | None = Field(description="Experts added, changed or removed.")
    share: float | None = Field(description="`count` as a share of the version's experts.")
    added: int | None
    changed: int | None
    removed: int | None
    fields: dict[str, int] | None = Field(description="Field name and how many experts changed in it.")
    synonyms: int | None = Field(description="Synonyms that changed since; the next rebuild takes them over.")


class IngestStatus(Schema):
    status: OutsideState
    log: str = Field(description="The end of the latest run's log, at most 64 KiB.")
    error: str | None
    started_at: float | None
    last_rebuild_at: float | None = Field(description="Changes only when a full rebuild is published.")
    expert_count_at_rebuild: int | None = Field(description="Changes only when a full rebuild is published.")
    run: int | None = Field(description="The latest run.")
    state: str | None = Field(
        description="Of the latest run: queued, running, done, held, failed, cancelled, crashed or discarded."
    )
    stage: str | None
    progress: Progress | None
    version: int | None = Field(description="The live version.")
    drift: Drift


class Stage(Schema):
    stage: str
    seconds: float
    done: int
    rate: float | None
    summary: str

    @classmethod
    def from_record(cls, record: StageRecord) -> Stage:
        return cls(
            stage=record.stage,
            seconds=record.seconds,
            done=record.done,
            rate=record.rate,
            summary=record.summary_text,
        )


class Run(Schema):
    run: int
    kind: str
    reembed: bool
    status: OutsideState
    state: str
    requested_by: str
    via: str
    reason: str = Field(description="Reason given with the request; empty if there is none.")
    created_at: float
    started_at: float | None
    finished_at: float | None
    seconds: float | None
    cancel_requested_at: float | None
    cancel_reason: str
    stage: str | None
    stages: list[Stage] = Field(description="The completed stages, in order.")
    experts: int | None
    encoded: int | None
    reused: int | None
    peak_mb: int | None
    version: int | None
    error: str | None

    @classmethod
    def from_run(cls, run: RebuildRun) -> Run:
        return cls(
            run=run.pk,
            kind=run.kind,
            reembed=run.reembed,
            status=run.api_state,
            state=run.state,
            requested_by=run.who,
            via=run.via,
            reason=run.reason,
            created_at=run.created_at.timestamp(),
            started_at=unix(run.started_at),
            finished_at=unix(run.finished_at),
            seconds=run.seconds,
            cancel_requested_at=unix(run.cancel_requested_at),
            cancel_reason=run.cancel_reason,
            stage=run.stage or None,
            stages=[Stage.from_record(record) for record in run.stage_records],
            experts=run.experts,
            encoded=run.encoded,
            reused=run.reused,
            peak_mb=run.peak_mb,
            version=run.version_id,
            error=run.error_text or None,
        )


class Runs(Schema):
    runs: list[Run] = Field(description="Newest first.")
    next: int | None = Field(description="Pass as `before` to get older runs; null at the end.")


class LogLine(Schema):
    seq: int
    at: float
    level: str
    stage: str
    message: str

    @classmethod
    def from_line(cls, line: RunLogLine) -> LogLine:
        return cls(seq=line.seq, at=line.at.timestamp(), level=line.level, stage=line.stage, message=line.text)


class LogLines(Schema):
    lines: list[LogLine]
    next: int = Field(description="Pass as `after` to get the following lines.")
    end: bool = Field(
        description="The run has ended and these are its last lines. Computing its map may still add one."
    )


class Verdict(Schema):
    rule: str
    sentence: str
    value: float | None = Field(description="null if the rule did not apply.")
    limit: float
    passed: bool
    warning: bool = Field(description="Only a warning: does not hold the version.")


class GateQuery(Schema):
    text: str
    k: int
    missing: list[str] = Field(description="Expected experts who are not in the top k.")
    before: list[str] = Field(description="Usernames of the hits in the version that was live, best first.")
    after: list[str]
    overlap: float | None


class Gate(Schema):
    """The gate's report. Lists of names and queries may be cut short; their counts are complete."""

    passed: bool
    live_number: int | None = Field(description="The version that was compared with; null if no version was live.")
    verdicts: list[Verdict]
    lost: list[str]
    lost_count: int
    gained: list[str]
    gained_count: int
    queries: list[GateQuery]
    queries_count: int

    @classmethod
    def from_record(cls, record: GateRecord) -> Gate:
        return cls(**record.as_dict())


class RunInFull(Run):
    gate: Gate | None = Field(default=None, description="null if the run did not reach the gate.")

    @classmethod
    def from_run(cls, run: RebuildRun) -> RunInFull:
        return cls(**Run.from_run(run).dict(), gate=Gate.from_record(run.gate_record) if run.gate_record else None)
