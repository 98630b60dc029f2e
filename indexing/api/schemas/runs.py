"""Runs as the API describes them, with their logs and gate reports. Times are Unix seconds."""

from __future__ import annotations

from typing import Literal

from ninja import Field, Schema

from indexing.api.schemas.common import NO_NUL, unix
from indexing.models import RebuildRun, RunLogLine
from indexing.reasons import MAX_REASON
from indexing.runs import status

OutsideState = Literal["idle", "running", "done", "error"]


class RunRequest(Schema):
    kind: Literal["full", "tags"] = "full"
    reembed: bool = Field(default=False, description="Encode every text again, also unchanged ones.")
    reason: str = Field(default="", max_length=MAX_REASON, pattern=NO_NUL, description="Why: kept with the run.")


class Started(Schema):
    status: Literal["started"] = "started"
    run: int


class Cancelling(Schema):
    status: Literal["cancelling", "cancelled"]
    run: int


class Progress(Schema):
    """The present stage of the active run; `seconds_left` is for the whole run."""

    done: int
    total: int
    rate: float | None = Field(description="Items a second.")
    percent: int | None
    seconds_left: float | None = Field(description="Judged by earlier runs like it; null: there is no basis.")
    earlier_runs: int = Field(description="How many earlier runs `seconds_left` goes by.")

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
    """What the live version does not know yet: of the directory as it was at `as_of`, seconds ago."""

    grade: Literal["never", "current", "drifting", "stale", "unknown"] = Field(
        description="never: no version is live; unknown: its files cannot be read."
    )
    sentence: str
    version: int | None = Field(description="The live version, which is compared.")
    built_at: float | None
    as_of: float | None
    count: int | None = Field(description="Experts added, changed or removed.")
    share: float | None = Field(description="The same as a share of the version's experts.")
    added: int | None
    changed: int | None
    removed: int | None
    fields: dict[str, int] | None = Field(description="Field to how many experts changed in it.")


class IngestStatus(Schema):
    status: OutsideState
    log: str = Field(description="The end of the latest run's log, at most 64 KiB.")
    error: str | None
    started_at: float | None
    last_rebuild_at: float | None = Field(description="Changes only when a full rebuild is published.")
    expert_count_at_rebuild: int | None = Field(description="Changes only when a full rebuild is published.")
    run: int | None = Field(description="The latest run.")
    state: str | None = Field(description="Its state in full: queued, running, done, held, error, cancelled, lost.")
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


class Run(Schema):
    run: int
    kind: str
    reembed: bool
    status: OutsideState
    state: str
    requested_by: str
    via: str
    reason: str = Field(description="Why, as whoever asked for it put it; empty when nothing was said.")
    created_at: float
    started_at: float | None
    finished_at: float | None
    seconds: float | None
    cancel_requested_at: float | None
    cancel_reason: str
    stage: str | None
    stages: list[Stage] = Field(description="The stages that have ended, in order.")
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
            stages=[Stage(**stage) for stage in run.stages],
            experts=run.experts,
            encoded=run.encoded,
            reused=run.reused,
            peak_mb=run.peak_mb,
            version=run.version_id,
            error=run.error or None,
        )


class Runs(Schema):
    runs: list[Run] = Field(description="The newest first.")
    next: int | None = Field(description="Ask for `before` this one to get older runs; null at the end.")


class LogLine(Schema):
    seq: int
    at: float
    level: str
    stage: str
    message: str

    @classmethod
    def from_line(cls, line: RunLogLine) -> LogLine:
        return cls(seq=line.seq, at=line.at.timestamp(), level=line.level, stage=line.stage, message=line.message)


class LogLines(Schema):
    lines: list[LogLine]
    next: int = Field(description="Ask for what comes `after` this one.")
    end: bool = Field(description="The run has ended and these are its last lines; only its map may add one yet.")


class Verdict(Schema):
    rule: str
    sentence: str
    value: float | None = Field(description="null: there was nothing to judge.")
    limit: float
    passed: bool
    warning: bool = Field(description="Holds nothing, even when not passed.")


class AskedQuery(Schema):
    text: str
    k: int
    missing: list[str] = Field(description="Expected experts who are not within the first k.")
    before: list[str] = Field(description="Usernames of the hits of the version that was live, best first.")
    after: list[str]
    overlap: float | None


class Gate(Schema):
    """The gate's report. Names and queries are bounded, their counts are whole."""

    passed: bool
    live_number: int | None = Field(description="Compared with; null: there was nothing to compare with.")
    verdicts: list[Verdict]
    lost: list[str]
    lost_count: int
    gained: list[str]
    gained_count: int
    queries: list[AskedQuery]
    queries_count: int


class RunInFull(Run):
    gate: Gate | None = Field(default=None, description="null where the run reached no gate.")

    @classmethod
    def from_run(cls, run: RebuildRun) -> RunInFull:
        return cls(**Run.from_run(run).dict(), gate=Gate(**run.gate) if run.gate else None)
