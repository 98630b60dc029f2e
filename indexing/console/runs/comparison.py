"""A run beside the one before it: what each stage took then and now, what was built, and how much it differs."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext as _

from indexing.console.words import duration
from indexing.models import RebuildRun

FELT_SECONDS = 0.05
"""Less than the tenths that are shown."""


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    then: str
    now: str
    """empty where this run has not come to it"""
    difference: str
    """with its sign and in words: “+2.1 s, slower”"""


@dataclass(frozen=True, slots=True)
class Comparison:
    earlier: RebuildRun
    times: tuple[Row, ...]
    figures: tuple[Row, ...]


def of(run: RebuildRun) -> Comparison | None:
    """With the last run of the same kind that came to its end; None where this is the first."""
    before = RebuildRun.objects.filter(kind=run.kind, pk__lt=run.pk, experts__isnull=False).order_by("-pk").first()
    if before is None:
        return None
    return Comparison(before, tuple(_times(before, run)), tuple(_figures(before, run)))


def _times(before: RebuildRun, run: RebuildRun) -> list[Row]:
    then, now = _seconds(before), _seconds(run)
    rows = [
        _time(str(RebuildRun.Stage(name).label).capitalize(), then.get(name), now.get(name))
        for name in run.stage_names
        if name in then or name in now
    ]
    whole = run.seconds if run.finished_at else None
    return [*rows, _time(_("The whole run"), before.seconds, whole)]


def _figures(before: RebuildRun, run: RebuildRun) -> list[Row]:
    megabytes = _("%(count)s MB")
    return [
        _count(_("Experts"), before.experts, run.experts),
        _count(_("Encoded"), before.encoded, run.encoded),
        _count(_("Reused"), before.reused, run.reused),
        _count(_("Texts a second"), _pace(before), _pace(run)),
        _count(_("Peak memory"), before.peak_mb, run.peak_mb, unit=megabytes, uncounted=True),
    ]


def _pace(run: RebuildRun) -> int | None:
    """Texts encoded a second, once the first were; None where there were too few to tell."""
    pace = next((entry.get("pace") for entry in run.stages if entry["stage"] == RebuildRun.Stage.EMBED), None)
    return round(pace) if pace else None


def _seconds(run: RebuildRun) -> dict[str, float]:
    return {entry["stage"]: entry["seconds"] for entry in run.stages}


def _time(label: str, then: float | None, now: float | None) -> Row:
    told = ""
    if then is not None and now is not None:
        more = round(now, 1) - round(then, 1)  # what is read beside it
        if abs(more) < FELT_SECONDS:
            told = _("the same")
        elif more > 0:
            told = _("+%(time)s, slower") % {"time": duration(more)}
        else:
            told = _("−%(time)s, faster") % {"time": duration(-more)}
    return Row(label, duration(then), duration(now), told)


def _count(label: str, then: int | None, now: int | None, *, unit: str = "%(count)s", uncounted: bool = False) -> Row:
    told = ""
    if then is not None and now is not None:
        shown = unit % {"count": intcomma(abs(now - then))}
        if now == then:
            told = _("the same")
        elif now > then:
            told = _("+%(count)s, more") % {"count": shown}
        else:
            told = (_("−%(count)s, less") if uncounted else _("−%(count)s, fewer")) % {"count": shown}
    before, after = ("" if each is None else unit % {"count": intcomma(each)} for each in (then, now))
    return Row(label, before, after, told)
