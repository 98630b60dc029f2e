"""Charts as plain values: `_chart.html` writes them as tables, which charts.js reads and draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.urls import reverse
from django.utils.translation import gettext as _

from indexing.drift.history import History
from indexing.lib import times
from indexing.models import Publication, RebuildRun

Kind = Literal["lines", "bars"]
Unit = Literal["count", "seconds"]
MAX_RUNS = 50


@dataclass(frozen=True, slots=True)
class ChartRow:
    """The values at one place of the x axis."""

    x: float
    """unix seconds, or the number of a run"""
    label: str
    values: tuple[float | None, ...]
    """one for each series; None for a gap"""
    link: str = ""


@dataclass(frozen=True, slots=True)
class ChartMark:
    """A vertical line at a moment, in unix seconds."""

    x: float
    label: str
    """A short text, since it is written into the chart."""
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    name: str
    """unique on its page"""
    title: str
    kind: Kind
    """bars are stacked, in the order of the series"""
    unit: Unit
    x_title: str
    series: tuple[str, ...]
    rows: tuple[ChartRow, ...]
    over_time: bool = False
    """Whether x is a time; otherwise each row has the same width."""
    from_zero: bool = True
    marks: tuple[ChartMark, ...] = ()


def history_charts(history: History) -> list[Chart]:
    """Drift and the number of experts, over time."""
    drift = [(point.added, point.changed, point.removed) for point in history.points]
    experts = [(point.experts, point.version_experts) for point in history.points]
    return [
        Chart(
            name="drift-chart",
            title=_("Experts out of date in search"),
            series=(_("new"), _("changed"), _("removed")),
            **_over_time(history, drift),
        ),
        Chart(
            name="experts-chart",
            title=_("Experts"),
            series=(_("in the directory"), _("in the live version")),
            from_zero=False,
            **_over_time(history, experts),
        ),
    ]


def _over_time(history: History, values: Sequence[tuple[int, ...]]) -> dict[str, Any]:
    """What both charts of a history share. `values` has a tuple for each point, one value per series."""
    return {
        "kind": "lines",
        "unit": "count",
        "x_title": _("Time"),
        "rows": tuple(
            ChartRow(point.at.timestamp(), times.moment(point.at), row)
            for point, row in zip(history.points, values, strict=True)
        ),
        "over_time": True,
        "marks": tuple(map(_mark, history.publications)),
    }


def _mark(publication: Publication) -> ChartMark:
    words = _("%(when)s: version %(number)s, %(how)s") % {
        "when": times.moment(publication.at),
        "number": publication.version_id,
        "how": publication.get_how_display(),
    }
    return ChartMark(publication.at.timestamp(), f"v{publication.version_id}", words)


def completed_rebuilds() -> list[RebuildRun]:
    """The last full rebuilds that were completed, published or not, the oldest first."""
    ended = (RebuildRun.State.DONE, RebuildRun.State.HELD)
    runs = RebuildRun.objects.filter(kind=RebuildRun.Kind.FULL, state__in=ended).defer("gate")
    return list(runs.order_by("-pk")[:MAX_RUNS])[::-1]


def _stage_seconds(run: RebuildRun) -> dict[str, float]:
    """Stage -> seconds, of the stages that the run went through."""
    return {record.stage: record.seconds for record in run.stage_records}


def run_charts(runs: Sequence[RebuildRun]) -> list[Chart]:
    """Duration by stage, number of experts, and processed versus unchanged profiles."""
    seconds = {run.pk: _stage_seconds(run) for run in runs}
    stages = [stage for stage in RebuildRun.Stage if any(stage in took for took in seconds.values())]
    return [
        Chart(
            name="stages-chart",
            title=_("Duration by stage"),
            kind="bars",
            unit="seconds",
            x_title=_("Run"),
            series=tuple(str(stage.label) for stage in stages),
            rows=tuple(_run_row(run, [seconds[run.pk].get(stage) for stage in stages]) for run in runs),
        ),
        Chart(
            name="runs-experts-chart",
            title=_("Experts"),
            kind="lines",
            unit="count",
            x_title=_("Run"),
            series=(_("experts"),),
            rows=tuple(_run_row(run, [run.experts]) for run in runs),
            from_zero=False,
        ),
        Chart(
            name="encoded-chart",
            title=_("Processed and unchanged profiles"),
            kind="bars",
            unit="count",
            x_title=_("Run"),
            series=(_("processed"), _("unchanged")),
            rows=tuple(_run_row(run, [run.encoded, run.reused]) for run in runs),
        ),
    ]


def _run_row(run: RebuildRun, values: Sequence[float | None]) -> ChartRow:
    return ChartRow(float(run.pk), str(run.pk), tuple(values), reverse("index:run", args=[run.pk]))
