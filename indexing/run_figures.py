"""How the last full rebuilds went: for the charts."""

from __future__ import annotations

from indexing.models import RebuildRun

SHOWN = 50
ENDED = (RebuildRun.State.DONE, RebuildRun.State.HELD)


def last() -> list[RebuildRun]:
    """The last full runs that were built to the end, published or held, the oldest first."""
    runs = RebuildRun.objects.filter(kind=RebuildRun.Kind.FULL, state__in=ENDED).defer("gate")
    return list(runs.order_by("-pk")[:SHOWN])[::-1]


def stage_seconds(run: RebuildRun) -> dict[str, float]:
    """Stage -> seconds, of the stages that it went through."""
    return {stage["stage"]: float(stage["seconds"]) for stage in run.stages}
