"""The stages of a run as one bar: each as wide as its share of the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext as _

from indexing.console.words import duration, percent
from indexing.models import RebuildRun

WIDTH = 1_000
MIN_SEGMENT_WIDTH = 6
"""The shortest stage has this width, so that it can be seen."""
GAP = 3

Ending = Literal["done", "current", "failed"]


@dataclass(frozen=True, slots=True)
class StageSegment:
    place: int
    """The stage's place among the stages of its kind of run, from 1; it selects the colour."""
    label: str
    seconds: float
    share: float
    """The segment's share of the time of all segments, 0 to 1."""
    ending: Ending
    x: int = 0
    width: int = 0

    @property
    def words(self) -> str:
        return f"{self.label[:1].upper()}{self.label[1:]}: {duration(self.seconds)}, {percent(self.share)}"


@dataclass(frozen=True, slots=True)
class StageBar:
    segments: tuple[StageSegment, ...]
    width: int = WIDTH

    @property
    def words(self) -> str:
        """The whole bar in words, for screen readers."""
        return _("Time by stage: %(stages)s.") % {"stages": "; ".join(each.words for each in self.segments)}


def bar_of(run: RebuildRun | None) -> StageBar | None:
    """The bar of the run's stages; None if the run has not reached its first stage."""
    if run is None or run.seconds is None:
        return None
    ended = {record.stage: record.seconds for record in run.stage_records}
    stopped = stopped_in(run)
    found: list[tuple[int, str, float, Ending]] = []
    for place, name in enumerate(run.stage_names, 1):
        if name in ended:
            found.append((place, name, ended[name], "failed" if name == stopped else "done"))
        elif name == run.stage and (run.is_active or stopped):
            rest = max(run.seconds - sum(ended.values()), 0.0)
            found.append((place, name, rest, "current" if run.is_active else "failed"))
    return StageBar(tuple(_laid_out(found))) if found else None


def stopped_in(run: RebuildRun) -> str:
    """The stage in which an incomplete run ended; empty for a completed one, also if its version was discarded."""
    incomplete = (RebuildRun.State.FAILED, RebuildRun.State.CANCELLED, RebuildRun.State.CRASHED)
    return run.stage if run.state in incomplete else ""


def _laid_out(found: Sequence[tuple[int, str, float, Ending]]) -> list[StageSegment]:
    total = sum(seconds for *_, seconds, _ending in found) or 1.0
    room = WIDTH - MIN_SEGMENT_WIDTH * len(found) - GAP * (len(found) - 1)
    segments, x = [], 0.0
    for place, name, seconds, ending in found:
        width = MIN_SEGMENT_WIDTH + room * seconds / total
        label = str(RebuildRun.Stage(name).label)
        segments.append(StageSegment(place, label, seconds, seconds / total, ending, round(x), max(round(width), 1)))
        x += width + GAP
    return segments
