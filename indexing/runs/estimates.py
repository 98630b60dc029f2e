"""Estimates how long a run takes from earlier runs, both for the time left and for the preview of a rebuild.

Encoding takes time per text to encode, everything else per expert. The figures are medians over the last few
comparable runs, so that one run on a busy machine does not distort them. Without such runs there is no estimate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

from django.conf import settings
from django.utils import timezone

from indexing.lib.messages import Message, message
from indexing.models import RebuildRun
from indexing.models.run_records import StageRecord

RECENT = 5
SEARCHED = 20
"""How many of the last runs are searched for comparable ones."""
SCALES_TO = 20
"""How many times larger or smaller a comparable directory may have been. Beyond that, the estimate would
also multiply what takes the same time for a hundred experts and a million, such as opening files."""

Stage = RebuildRun.Stage
Missing = Literal["", "runs", "texts"]
"""Why there is no estimate: "runs" (no comparable runs), "texts" (number of texts unknown); "" if there is one."""


@dataclass(frozen=True, slots=True)
class Estimate:
    seconds: float | None
    """None if there is no estimate; `missing` says why"""
    runs: int = 0
    """how many earlier runs it is based on"""
    missing: Missing = ""
    in_stage: float | None = None
    """seconds left in the current stage, at its own rate"""


@dataclass(frozen=True, slots=True)
class RunStatistics:
    """How long the stages of comparable runs took."""

    runs: int
    per_expert: dict[str, float] = field(default_factory=dict)
    """stage -> seconds per expert; for embedding, what it takes if nothing has to be encoded"""
    per_text: float | None = None
    """seconds per text that is encoded; None if no comparable run encoded any"""
    lead: float = 0.0
    """seconds until the first texts are encoded, mostly to load the model"""

    def seconds(self, stage: str, experts: int, texts: int) -> float | None:
        """Seconds for the whole stage; None if unknown."""
        if stage == Stage.EMBED and texts:
            return None if self.per_text is None else self.lead + texts * self.per_text
        if stage == Stage.EMBED and self.per_text is not None:
            return self.per_expert.get(stage, 0.0) * experts  # looking texts up costs next to nothing
        return None if stage not in self.per_expert else self.per_expert[stage] * experts

    def total(self, stages: Iterable[str], experts: int, texts: int) -> float | None:
        """Seconds for all of `stages`; None if one of them is unknown."""
        stage_seconds = [self.seconds(stage, experts, texts) for stage in stages]
        known = [seconds for seconds in stage_seconds if seconds is not None]
        return sum(known) if len(known) == len(stage_seconds) else None


def rebuild(experts: int, texts: int) -> Estimate:
    """The estimate for a full rebuild of `experts` experts that encodes `texts` texts."""
    kind = RebuildRun.Kind.FULL
    return _estimate(statistics_of(kind, experts), RebuildRun.STAGES[kind], experts, texts)


def in_words(seconds: float) -> Message:
    """A number of seconds that are left, rounded to the precision that an estimate can have."""
    if seconds < 5:
        return message("a few seconds left")
    if seconds < 60:
        return message("about %(seconds)d s left", seconds=round(seconds / 5) * 5)
    if seconds < 3600:
        return message("about %(minutes)d min left", minutes=round(seconds / 60))
    return message("about %(hours).1f h left", hours=seconds / 3600)


def time_left(run: RebuildRun) -> Estimate:
    """The estimate for the rest of a running run. There is none for a queued one."""
    if run.state != RebuildRun.State.RUNNING or run.stage not in run.stage_names:
        return Estimate(None, missing="runs")
    in_stage = max(run.total - run.done, 0) / run.rate if run.rate and run.total else None
    later = run.stage_names[run.stage_names.index(run.stage) + 1 :]
    experts, texts = _experts(run), _texts(run)
    if texts is None or experts is None:
        return Estimate(None, missing="texts", in_stage=in_stage)
    known = statistics_of(run.kind, experts)
    rest = known.total(later, experts, texts)
    if in_stage is None:
        whole = known.seconds(run.stage, experts, texts)
        now = None if whole is None else max(whole - _spent(run), 0.0)
    else:
        now = in_stage
    if rest is None or now is None:
        return Estimate(None, missing="runs", in_stage=in_stage)
    return Estimate(now + rest, known.runs, in_stage=in_stage)


def statistics_of(kind: str, experts: int) -> RunStatistics:
    """Statistics over the latest completed runs of this kind whose directory size is comparable to `experts`."""
    runs = comparable(kind, experts)
    return RunStatistics(
        runs=len(runs),
        per_expert={
            stage: median(found)
            for stage in RebuildRun.STAGES[RebuildRun.Kind(kind)]
            if (found := _seconds_per_expert(runs, stage))
        },
        per_text=_seconds_per_text(runs),
        lead=median(_of_embedding(runs, "lead") or [0.0]),
    )


def comparable(kind: str, experts: int) -> list[RebuildRun]:
    """The latest comparable runs, newest first: same model as the newest, similar size, same kind of index."""
    ended = list(
        RebuildRun.objects.filter(kind=kind, experts__gt=0)  # stored for completed runs only
        .select_related("version")
        .only("experts", "stages", "version__model_fingerprint")
        .order_by("-pk")[:SEARCHED]
    )
    if not ended:
        return []
    newest = ended[0]
    passages = experts * _passages(newest) / (newest.experts or 1)
    return [run for run in ended if _model(run) == _model(newest) and _is_comparable(run, experts, passages)][:RECENT]


def _estimate(known: RunStatistics, stages: Sequence[str], experts: int, texts: int) -> Estimate:
    seconds = known.total(stages, experts, texts)
    return Estimate(None, missing="runs") if seconds is None else Estimate(seconds, known.runs)


def _is_comparable(run: RebuildRun, experts: int, passages: float) -> bool:
    """Whether a run's times say something about one of `experts`, who have about `passages`."""
    if (_passages(run) > settings.TCS_EXACT_UP_TO) != (passages > settings.TCS_EXACT_UP_TO):
        return False
    had = run.experts or 0
    return had <= experts * SCALES_TO and experts <= had * SCALES_TO


def _passages(run: RebuildRun) -> int:
    """The passages that a run's version has, as many as its experts or more: they decide on the kind of index."""
    record = _record(run, Stage.VECTORS)
    return max(record.done if record else 0, run.experts or 0)


def _model(run: RebuildRun) -> str:
    return run.version.model_fingerprint if run.version else ""


def _record(run: RebuildRun, stage: str) -> StageRecord | None:
    return next((record for record in run.stage_records if record.stage == stage), None)


def _seconds_per_expert(runs: Sequence[RebuildRun], stage: str) -> list[float]:
    records = [(run.experts or 1, _record(run, stage)) for run in runs]
    return [
        record.seconds / experts
        for experts, record in records
        if record and not (stage == Stage.EMBED and record.done)
    ]


def _seconds_per_text(runs: Sequence[RebuildRun]) -> float | None:
    """Seconds per text: the median of the runs' steady pace; without one, from the run that encoded the most."""
    if paces := _of_embedding(runs, "pace"):
        return 1 / median(paces)
    encoding = [record for record in (_record(run, Stage.EMBED) for run in runs) if record and record.done]
    most = max(encoding, key=lambda record: record.done, default=None)
    return most.seconds / most.done if most else None


def _of_embedding(runs: Sequence[RebuildRun], name: Literal["lead", "pace"]) -> list[float]:
    """The figure `name` of the embedding stage of each run; runs of older releases have none and are left out."""
    records = [_record(run, Stage.EMBED) for run in runs]
    figures = [getattr(record, name) for record in records if record and record.pace]
    return [figure for figure in figures if figure is not None]


def _experts(run: RebuildRun) -> int | None:
    """How many experts the run is about; None before it has read the directory."""
    record = _record(run, Stage.DIRECTORY)
    return (record.done or None) if record else None


def _texts(run: RebuildRun) -> int | None:
    """Texts that this run encodes: the total while embedding, 0 once that is over, None before it is known."""
    names = run.stage_names
    if names.index(run.stage) > names.index(Stage.EMBED):
        return 0
    if run.stage == Stage.EMBED:
        return run.total or None
    return None


def _spent(run: RebuildRun) -> float:
    """Seconds in the current stage so far."""
    since = (timezone.now() - run.started_at).total_seconds() if run.started_at else 0.0
    return max(since - sum(record.seconds for record in run.stage_records), 0.0)
