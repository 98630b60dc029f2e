"""What every page of the admin says of the index in its header: the run that goes on, and how the last one ended."""

from __future__ import annotations

from dataclasses import dataclass

from django.template.loader import render_to_string

from indexing.models import IndexState, RebuildRun


@dataclass(frozen=True, slots=True)
class Header:
    run: RebuildRun | None
    """that goes on"""

    @property
    def number(self) -> int:
        """Of the run that goes on; 0 for none."""
        return self.run.pk if self.run else 0

    @property
    def percent(self) -> int | None:
        """Of its present stage; None where the total is not known."""
        if self.run is None or not self.run.total:
            return None
        return min(100 * self.run.done // self.run.total, 100)


def read() -> Header:
    return Header(RebuildRun.objects.active().first())


def as_shown() -> tuple[int, str]:
    """The number of the run that goes on (0 for none), and what the header shows of it."""
    header = read()
    return header.number, render_to_string("indexing/header/_run.html", {"header": header}).strip()


def how_it_ended(run_id: int) -> str:
    """A notice for whoever saw the run going on; empty while it still does, or when it is gone."""
    run = RebuildRun.objects.select_related("version").filter(pk=run_id).exclude(state__in=RebuildRun.ACTIVE).first()
    if run is None:
        return ""
    context = {"run": run, "live": IndexState.read().live_version}
    return render_to_string("indexing/header/_run_ended.html", context).strip()
