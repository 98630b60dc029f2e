"""What the pages about runs show, as plain values: the same for a whole page and for a fragment sent alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from django.core.paginator import Page, Paginator
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from indexing.console import words
from indexing.console.access import Rights
from indexing.console.runs import comparison, outcome, stage_bar
from indexing.console.searched_now import many_hidden
from indexing.console.versions import gate_report, presentation
from indexing.drift import status as drift_status
from indexing.models import IndexState, IndexVersion, Publication, RebuildRun
from indexing.runs import status
from indexing.versions import opening

HISTORY_PAGE = 20

StageState = Literal["done", "current", "failed", "waiting"]


@dataclass(frozen=True, slots=True)
class StageRow:
    place: int
    """among the stages of the run's kind, from 1"""
    label: str
    state: StageState
    seconds: float | None = None
    done: int = 0
    total: int = 0
    percent: int | None = None
    rate: float | None = None
    """items a second"""
    summary: str = ""
    share: float | None = None
    """The stage's share of the run's time, 0 to 1; known once the run has ended."""
    cancelled: bool = False
    """Whether the run was cancelled in this stage."""

    @property
    def is_current(self) -> bool:
        return self.state == "current"

    @property
    def has_begun(self) -> bool:
        return self.state != "waiting"

    @property
    def figures(self) -> str:
        """How far it is, or how long it took."""
        if self.state == "current" and not self.total:
            return _("in progress")
        if self.state == "current":
            progress = _("%(done)s of %(total)s") % {"done": words.count(self.done), "total": words.count(self.total)}
            return " · ".join(filter(None, (progress, words.rate(self.rate))))
        if self.state == "done":
            share = "" if self.share is None else words.percent(self.share)
            return " · ".join(filter(None, (words.duration(self.seconds), share)))
        if self.state == "failed":
            ending = _("cancelled here") if self.cancelled else _("failed here")
            return " · ".join(filter(None, (words.duration(self.seconds), ending)))
        return ""


@dataclass(frozen=True, slots=True)
class TimeLeft:
    text: str
    basis: str = ""
    """What the estimate is based on, or why there is no estimate."""


def index_context(rights: Rights, page: int | str = 1) -> dict[str, Any]:
    now = status.current_status()
    shown, drift = history(page), drift_status.latest()
    return {
        "status": now,
        "badge": now.badge,
        "sentence": now.sentence,
        "run": now.latest,
        "progress": now.progress,
        "stages": stage_rows(now.latest, now.progress) if now.latest else [],
        "bar": stage_bar.bar_of(now.latest),
        "time_left": time_left(now.active, now.progress),
        "history": shown,
        "rolled_back": Publication.objects.rollbacks_of(run.version_id for run in (now.latest, *shown) if run),
        "state": now.state,
        "drift_now": drift,
        "hidden": many_hidden(drift),
        "held": presentation.newest_held(now.state),
        "rights": rights,
    }


def run_context(run: RebuildRun, rights: Rights) -> dict[str, Any]:
    progress = status.progress(run) if run.is_active else None
    later = RebuildRun.objects.filter(pk__gt=run.pk).order_by("-pk").first()
    live = IndexState.read().live_version
    return {
        "badge": status.badge_of(run),
        "sentence": status.sentence_of(run),
        "run": run,
        "progress": progress,
        "stages": stage_rows(run, progress),
        "bar": stage_bar.bar_of(run),
        "comparison": comparison.with_previous(run),
        "time_left": time_left(run, progress),
        "outcome": outcome.outcome_of(run, live, later),
        "live": live,
        "again_address": again_address(run),
        "compare_address": compare_address(run),
        "rolled_back": Publication.objects.rollbacks_of([run.version_id]),
        "approved": Publication.objects.filter(version=run.version_id, how=Publication.How.APPROVED).first(),
        "gate": gate_report.report_of(run),
        "rights": rights,
    }


def history(page: int | str = 1) -> Page[RebuildRun]:
    return Paginator(RebuildRun.objects.select_related("version").order_by("-pk"), HISTORY_PAGE).get_page(page)


def again_address(run: RebuildRun) -> str:
    """The page that asks whether to start a run of the same kind and with the same choice."""
    if run.kind == RebuildRun.Kind.TAGS:
        return reverse("index:retag")
    return reverse("index:rebuild") + ("?reembed=1" if run.reembed else "")


def compare_address(run: RebuildRun) -> str:
    """The page that compares the run's version with the one before it; without both, the comparison of the runs."""
    if run.version is not None and run.version.state in opening.SEARCHABLE:
        earlier = IndexVersion.objects.filter(state__in=opening.SEARCHABLE, number__lt=run.version_id)
        if before := earlier.order_by("-number").first():
            return f"{reverse('index:compare')}?from={before.number}&to={run.version_id}"
    return "#run-comparison" if comparison.with_previous(run) else ""


def stage_rows(run: RebuildRun, progress: status.Progress | None) -> list[StageRow]:
    """Every stage of the run, in order: what it did, is doing, or stopped in."""
    ended = {record.stage: record for record in run.stage_records}
    stopped = stage_bar.stopped_in(run)
    cancelled = run.state == RebuildRun.State.CANCELLED
    bar = stage_bar.bar_of(run)
    lasted = {segment.place: segment for segment in (bar.segments if bar else ())}
    rows = []
    for place, name in enumerate(run.stage_names, 1):
        label = str(RebuildRun.Stage(name).label)
        if name == stopped:
            seconds, share = (lasted[place].seconds, lasted[place].share) if place in lasted else (None, None)
            rows.append(
                StageRow(place, label, "failed", seconds, run.done, run.total, share=share, cancelled=cancelled)
            )
        elif name in ended:
            stage = ended[name]
            rows.append(
                StageRow(
                    place,
                    label,
                    "done",
                    stage.seconds,
                    stage.done,
                    stage.done,
                    100,
                    stage.rate,
                    stage.summary_text,
                    lasted[place].share if place in lasted and not run.is_active else None,
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


def time_left(run: RebuildRun | None, progress: status.Progress | None) -> TimeLeft | None:
    """An estimate for an active run, with its basis: it needs earlier runs, or it says what is missing."""
    if run is None or progress is None:
        return None
    if run.state == RebuildRun.State.QUEUED:
        return TimeLeft(status.waiting_to_start())
    left = progress.left
    if left.seconds is not None:
        basis = ngettext("based on the last similar run", "based on the last %(runs)s similar runs", left.runs)
        return TimeLeft(words.time_left(left.seconds), basis % {"runs": left.runs})
    texts_missing = left.missing == "texts"
    if left.in_stage is not None:
        here = _("%(time)s in this stage") % {"time": words.time_left(left.in_stage)}
        if texts_missing:
            return TimeLeft(here, _("total not known until the changed profiles are counted"))
        return TimeLeft(here, _("total not known: no similar run has finished"))
    if texts_missing:
        return TimeLeft(_("No estimate yet"), _("the changed profiles are still being counted"))
    return TimeLeft(_("No estimate yet"), _("no similar run has finished"))
