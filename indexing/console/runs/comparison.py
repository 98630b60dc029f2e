"""A run beside the previous completed one: the time of each stage, the result, and the differences."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext as _

from indexing.console.words import duration
from indexing.models import RebuildRun

SHOWN_SECONDS = 0.05
"""A smaller difference is none: tenths are shown."""


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    label: str
    then: str
    now: str
    """This run's figure; empty if the run has not reached the stage."""
    difference: str
    """The difference with its sign, such as “+2.1 s”."""


@dataclass(frozen=True, slots=True)
class RunComparison:
    earlier: RebuildRun
    times: tuple[ComparisonRow, ...]
    figures: tuple[ComparisonRow, ...]


def with_previous(run: RebuildRun) -> RunComparison | None:
    """The run compared with the previous completed run of its kind; None if it is the first."""
    before = RebuildRun.objects.filter(kind=run.kind, pk__lt=run.pk, experts__isnull=False).order_by("-pk").first()
    if before is None:
        return None
    return RunComparison(before, tuple(_times(before, run)), tuple(_figures(before, run)))


def _times(before: RebuildRun, run: RebuildRun) -> list[ComparisonRow]:
    then, now = _seconds(before), _seconds(run)
    rows = [
        _time(str(RebuildRun.Stage(name).label).capitalize(), then.get(name), now.get(name))
        for name in run.stage_names
        if name in then or name in now
    ]
    whole = run.seconds if run.finished_at else None
    return [*rows, _time(_("Total"), before.seconds, whole)]


def _figures(before: RebuildRun, run: RebuildRun) -> list[ComparisonRow]:
    megabytes = _("%(count)s MB")
    return [
        _count(_("Experts"), before.experts, run.experts),
        _count(_("Processed"), before.encoded, run.encoded),
        _count(_("Unchanged"), before.reused, run.reused),
        _count(_("Profiles per second"), _pace(before), _pace(run)),
        _count(_("Peak memory"), before.peak_mb, run.peak_mb, unit=megabytes),
    ]


def _pace(run: RebuildRun) -> int | None:
    """Texts encoded per second after the first ones were; None where there were too few to tell."""
    pace = next((record.pace for record in run.stage_records if record.stage == RebuildRun.Stage.EMBED), None)
    return round(pace) if pace else None


def _seconds(run: RebuildRun) -> dict[str, float]:
    return {record.stage: record.seconds for record in run.stage_records}


def _time(label: str, then: float | None, now: float | None) -> ComparisonRow:
    difference = ""
    if then is not None and now is not None:
        more = round(now, 1) - round(then, 1)  # of the figures as they are shown
        difference = "0 s" if abs(more) < SHOWN_SECONDS else f"{_sign(more)}{duration(abs(more))}"
    return ComparisonRow(label, duration(then), duration(now), difference)


def _count(label: str, then: int | None, now: int | None, *, unit: str = "%(count)s") -> ComparisonRow:
    difference = ""
    if then is not None and now is not None:
        difference = _sign(now - then) + unit % {"count": intcomma(abs(now - then))}
    before, after = ("" if each is None else unit % {"count": intcomma(each)} for each in (then, now))
    return ComparisonRow(label, before, after, difference)


def _sign(difference: float) -> str:
    return "+" if difference > 0 else "−" if difference < 0 else ""
