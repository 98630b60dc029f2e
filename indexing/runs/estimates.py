"""How long a run takes, judged by earlier runs: one answer for the time left and for the plan.

Encoding grows with the texts to encode, all else with the experts. The figures are medians over the last few runs
that can be compared, so that one run beside a busy machine does not spoil them; without such runs there is no answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

from django.conf import settings
from django.utils import timezone

from indexing.models import RebuildRun
from indexing.models.records import StageRecord

RECENT = 5
LOOKED_AT = 20
"""Among so many of the last runs those that can be compared are looked for."""
SCALES_TO = 20
"""How many times larger or smaller a directory may have been: beyond that, what takes the same time for a hundred
experts as for a million (opening files, asking the saved queries) would be multiplied as well."""

Stage = RebuildRun.Stage
Missing = Literal["", "runs", "texts"]
"""What an estimate lacks: nothing, earlier runs like this one, or how many texts are to be encoded."""


@dataclass(frozen=True, slots=True)
class Estimate:
    seconds: float | None
    """None: there is no basis, and `missing` says what is missing"""
    runs: int = 0
    """how many earlier runs it goes by"""
    missing: Missing = ""
    here: float | None = None
    """seconds that the present stage needs yet at its own rate"""


@dataclass(frozen=True, slots=True)
class Basis:
    """What earlier runs took."""

    runs: int
    an_expert: dict[str, float] = field(default_factory=dict)
    """stage -> seconds for each expert; of embedding, what it takes when nothing has to be encoded"""
    a_text: float | None = None
    lead: float = 0.0
    """seconds until the first texts are encoded: loading the model"""

    def seconds(self, stage: str, experts: int, texts: int) -> float | None:
        """Of the whole stage; None without a basis."""
        if stage == Stage.EMBED and texts:
            return None if self.a_text is None else self.lead + texts * self.a_text
        if stage == Stage.EMBED and self.a_text is not None:
            return self.an_expert.get(stage, 0.0) * experts  # to look up every text is not felt
        return None if stage not in self.an_expert else self.an_expert[stage] * experts

    def total(self, stages: Iterable[str], experts: int, texts: int) -> float | None:
        each = [self.seconds(stage, experts, texts) for stage in stages]
        known = [seconds for seconds in each if seconds is not None]
        return sum(known) if len(known) == len(each) else None


def rebuild(experts: int, texts: int) -> Estimate:
    """Of a full run that encodes `texts` texts."""
    kind = RebuildRun.Kind.FULL
    return _estimate(basis(kind, experts), RebuildRun.STAGES[kind], experts, texts)


def left(run: RebuildRun) -> Estimate:
    """Of what is yet to be done of a running run; nothing is known of one that waits."""
    if run.state != RebuildRun.State.RUNNING or run.stage not in run.stage_names:
        return Estimate(None, missing="runs")
    here = max(run.total - run.done, 0) / run.rate if run.rate and run.total else None
    later = run.stage_names[run.stage_names.index(run.stage) + 1 :]
    experts, texts = _experts(run), _texts(run)
    if texts is None or experts is None:
        return Estimate(None, missing="texts", here=here)
    known = basis(run.kind, experts)
    rest = known.total(later, experts, texts)
    if here is None:
        whole = known.seconds(run.stage, experts, texts)
        now = None if whole is None else max(whole - _spent(run), 0.0)
    else:
        now = here
    if rest is None or now is None:
        return Estimate(None, missing="runs", here=here)
    return Estimate(now + rest, known.runs, here=here)


def basis(kind: str, experts: int) -> Basis:
    """Of the last runs of this kind that came to their end and can be compared with one over `experts` experts."""
    runs = comparable(kind, experts)
    return Basis(
        runs=len(runs),
        an_expert={
            stage: median(found)
            for stage in RebuildRun.STAGES[RebuildRun.Kind(kind)]
            if (found := _seconds_an_expert(runs, stage))
        },
        a_text=_seconds_a_text(runs),
        lead=median(_of_embedding(runs, "lead") or [0.0]),
    )


def comparable(kind: str, experts: int) -> list[RebuildRun]:
    """The newest first: of the newest one's model, of a size that can be scaled, with as exact a vector index."""
    ended = list(
        RebuildRun.objects.filter(kind=kind, experts__gt=0)  # known of those that came to their end
        .select_related("version")
        .only("experts", "stages", "version__model_fingerprint")
        .order_by("-pk")[:LOOKED_AT]
    )
    model = next((_model(run) for run in ended), "")
    return [run for run in ended if _model(run) == model and _of_like_size(run.experts or 0, experts)][:RECENT]


def _estimate(known: Basis, stages: Sequence[str], experts: int, texts: int) -> Estimate:
    seconds = known.total(stages, experts, texts)
    return Estimate(None, missing="runs") if seconds is None else Estimate(seconds, known.runs)


def _of_like_size(one: int, other: int) -> bool:
    if (one > settings.TCS_EXACT_UP_TO) != (other > settings.TCS_EXACT_UP_TO):
        return False
    return one <= other * SCALES_TO and other <= one * SCALES_TO


def _model(run: RebuildRun) -> str:
    return run.version.model_fingerprint if run.version else ""


def _record(run: RebuildRun, stage: str) -> StageRecord | None:
    return next((record for record in run.stage_records if record.stage == stage), None)


def _seconds_an_expert(runs: Sequence[RebuildRun], stage: str) -> list[float]:
    records = [(run.experts or 1, _record(run, stage)) for run in runs]
    return [
        record.seconds / experts
        for experts, record in records
        if record and not (stage == Stage.EMBED and record.done)
    ]


def _seconds_a_text(runs: Sequence[RebuildRun]) -> float | None:
    """By the pace that each run came to; where none lasted long enough to have one, by the run that encoded most."""
    if paces := _of_embedding(runs, "pace"):
        return 1 / median(paces)
    encoding = [record for record in (_record(run, Stage.EMBED) for run in runs) if record and record.done]
    most = max(encoding, key=lambda record: record.done, default=None)
    return most.seconds / most.done if most else None


def _of_embedding(runs: Sequence[RebuildRun], name: Literal["lead", "pace"]) -> list[float]:
    """That figure of those runs that have a pace; what an older release wrote has none."""
    records = [_record(run, Stage.EMBED) for run in runs]
    figures = [getattr(record, name) for record in records if record and record.pace]
    return [figure for figure in figures if figure is not None]


def _experts(run: RebuildRun) -> int | None:
    """How many it is about, once it has read the directory."""
    record = _record(run, Stage.DIRECTORY)
    return (record.done or None) if record else None


def _texts(run: RebuildRun) -> int | None:
    """How many it encodes, or what does no harm where that is over; None as long as nobody knows."""
    names = run.stage_names
    if names.index(run.stage) > names.index(Stage.EMBED):
        return 0
    if run.stage == Stage.EMBED:
        return run.total or None
    return None


def _spent(run: RebuildRun) -> float:
    """Seconds in the present stage so far."""
    since = (timezone.now() - run.started_at).total_seconds() if run.started_at else 0.0
    return max(since - sum(record.seconds for record in run.stage_records), 0.0)
