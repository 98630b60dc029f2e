"""What the pages show, as plain values for templates: the same for a whole page and for a fragment sent alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from django.core.paginator import Page, Paginator

from indexing.console.access import Rights
from indexing.console.runs import comparison, stage_bar
from indexing.console.versions import gate_report, presentation
from indexing.drift import status as drift_status
from indexing.models import IndexState, Publication, RebuildRun
from indexing.runs import status

HISTORY_PAGE = 20

StageState = Literal["done", "current", "failed", "waiting"]


@dataclass(frozen=True, slots=True)
class StageRow:
    place: int
    label: str
    state: StageState
    seconds: float | None = None
    done: int = 0
    total: int = 0
    percent: int | None = None
    rate: float | None = None
    summary: str = ""
    share: float | None = None
    """of the run's time, 0 to 1, once the stage has ended"""


def index_context(rights: Rights, page: int | str = 1) -> dict[str, Any]:
    now = status.read()
    return {
        "status": now,
        "badge": now.badge,
        "sentence": now.sentence,
        "run": now.latest,
        "progress": now.progress,
        "stages": stage_rows(now.latest, now.progress) if now.latest else [],
        "bar": stage_bar.of(now.latest),
        "history": history(page),
        "state": now.state,
        "drift_now": drift_status.read(),
        "held": presentation.candidate(now.state),
        "rights": rights,
    }


def run_context(run: RebuildRun, rights: Rights) -> dict[str, Any]:
    progress = status.progress(run) if run.is_active else None
    return {
        "badge": status.badge_of(run),
        "sentence": status.sentence_of(run),
        "run": run,
        "progress": progress,
        "stages": stage_rows(run, progress),
        "bar": stage_bar.of(run),
        "comparison": comparison.of(run),
        "later": RebuildRun.objects.filter(pk__gt=run.pk).order_by("-pk").first(),
        "live": IndexState.read().live_version,
        "approved": Publication.objects.filter(version=run.version_id, how=Publication.How.APPROVED).first(),
        "gate": gate_report.of(run),
        "rights": rights,
    }


def history(page: int | str = 1) -> Page[RebuildRun]:
    return Paginator(RebuildRun.objects.select_related("version").order_by("-pk"), HISTORY_PAGE).get_page(page)


def stage_rows(run: RebuildRun, progress: status.Progress | None) -> list[StageRow]:
    """Every stage of the run, in order: what it did, is doing, or stopped in."""
    ended = {stage["stage"]: stage for stage in run.stages}
    stopped = stage_bar.stopped_in(run)
    bar = stage_bar.of(run)
    lasted = {segment.place: segment for segment in (bar.segments if bar else ())}
    rows = []
    for place, name in enumerate(run.stage_names, 1):
        label = str(RebuildRun.Stage(name).label)
        if name == stopped:
            seconds, share = (lasted[place].seconds, lasted[place].share) if place in lasted else (None, None)
            rows.append(StageRow(place, label, "failed", seconds, run.done, run.total, share=share))
        elif name in ended:
            stage = ended[name]
            rows.append(
                StageRow(
                    place,
                    label,
                    "done",
                    stage["seconds"],
                    stage["done"],
                    stage["done"],
                    100,
                    stage.get("rate"),
                    stage.get("summary", ""),
                    lasted[place].share if place in lasted else None,
                )
            )
        elif progress and name == progress.stage:
            rows.append(
                StageRow(
                    place, label, "current", None, progress.done, progress.total, progress.percent, progress.rate
                )
            )
        else:
            rows.append(StageRow(place, label, "waiting"))
    return rows
