"""What the pages show, as plain values for templates: the same for a whole page and for a fragment sent alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.template.loader import render_to_string

from indexing import runlog
from indexing.console.access import Rights
from indexing.console.runs import comparison, stage_bar
from indexing.console.versions import gate_report, presentation
from indexing.drift import status as drift_status
from indexing.models import IndexState, Publication, RebuildRun, RunLogLine
from indexing.runlog.line_filter import Wanted
from indexing.runs import status

HISTORY_PAGE = 20
WINDOW = 1_000
"""Log lines that a page holds; the rest is one link away."""
WINDOW_CHARACTERS = 2**20
EVERYTHING = Wanted()

StageState = Literal["done", "current", "failed", "waiting"]

INDEX_FRAGMENTS = {
    "announcement": "indexing/shared/_announcement.html",
    "alarm": "indexing/runs/_alarm.html",
    "schedule-hold": "indexing/versions/_schedule_hold.html",
    "run-status": "indexing/runs/_run_status.html",
    "actions": "indexing/runs/_actions.html",
    "drift": "indexing/drift/_drift.html",
    "held-version": "indexing/versions/_held_version.html",
    "live-version": "indexing/runs/_live_version.html",
    "stages": "indexing/runs/_stages.html",
    "history": "indexing/runs/_history.html",
}
RUN_FRAGMENTS = {
    "announcement": "indexing/shared/_announcement.html",
    "run-status": "indexing/runs/_run_status.html",
    "actions": "indexing/runs/_run_actions.html",
    "run-outcome": "indexing/runs/_run_outcome.html",
    "run-facts": "indexing/runs/_run_facts.html",
    "run-comparison": "indexing/runs/_run_comparison.html",
    "gate": "indexing/versions/_gate.html",
    "stages": "indexing/runs/_stages.html",
}
LOG_FRAGMENTS = {"log-head": "indexing/runs/_log_head.html", "log-view": "indexing/runs/_log_view.html"}
"""Id of the element in the page -> the template of what it holds."""


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


@dataclass(frozen=True, slots=True)
class LogPage:
    """A stretch of a run's log. `previous` and `next` are cursors, None where there is nothing more."""

    lines: list[RunLogLine]
    total: int
    previous: int | None
    next: int | None
    earlier: int = 0
    """how many come before the first one"""

    @property
    def first(self) -> int:
        return self.lines[0].seq if self.lines else 0

    @property
    def last(self) -> int:
        return self.lines[-1].seq if self.lines else 0


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


def fragments(templates: Mapping[str, str], context: dict[str, Any]) -> dict[str, str]:
    return {target: render_to_string(template, context).strip() for target, template in templates.items()}


def out_of_band(target: str, html: str, how: str = "innerHTML", wrapper: str = "div") -> str:
    """`html` (rendered, hence escaped already) on its way to the element with the id `target`."""
    return f'<{wrapper} hx-swap-oob="{how}:#{target}">{html}</{wrapper}>'


def last_lines(run_id: int, wanted: Wanted = EVERYTHING) -> LogPage:
    """The end of the log, as much as a page holds."""
    if wanted:
        return _last_wanted(wanted.among(RunLogLine.objects.filter(run_id=run_id)))
    lines = _as_many_as_fit(runlog.last(run_id, WINDOW))
    total = lines[-1].seq if lines else 0
    earlier = lines[0].seq - 1 if lines else 0  # numbered without a gap: nothing has to be counted
    return LogPage(lines, total, max(earlier - WINDOW, 0) if earlier else None, None, earlier)


def _last_wanted(found: QuerySet[RunLogLine]) -> LogPage:
    lines = _as_many_as_fit(list(found.order_by("-seq")[:WINDOW])[::-1])
    total = found.count()
    earlier = total - len(lines)
    return LogPage(lines, total, 0 if earlier else None, None, earlier)


def _as_many_as_fit(lines: list[RunLogLine]) -> list[RunLogLine]:
    """The last of `lines`: a thousand of the longest would be 16 MB, held for every tab that reads slowly."""
    room = WINDOW_CHARACTERS
    for place in range(len(lines) - 1, -1, -1):
        room -= len(lines[place].message)
        if room < 0:
            return lines[place + 1 :] or lines[-1:]
    return lines


def log_page(run_id: int, after: int, wanted: Wanted = EVERYTHING) -> LogPage:
    """A page's worth of the wanted lines that follow `after`."""
    found = wanted.among(RunLogLine.objects.filter(run_id=run_id))
    lines = list(found.filter(seq__gt=after).order_by("seq")[: WINDOW + 1])
    before = list(found.filter(seq__lte=after).order_by("-seq").values_list("seq", flat=True)[:WINDOW])
    return LogPage(
        lines[:WINDOW],
        found.count(),
        before[-1] - 1 if before else None,
        lines[WINDOW - 1].seq if len(lines) > WINDOW else None,
    )
