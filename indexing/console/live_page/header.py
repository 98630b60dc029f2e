"""What the header of every admin page says about the index: the active run, and how the last one ended."""

from __future__ import annotations

from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from indexing.console import words
from indexing.console.searched_now import still_searching
from indexing.models import IndexState, RebuildRun

State = RebuildRun.State


@dataclass(frozen=True, slots=True)
class Header:
    run: RebuildRun | None
    """The active run."""

    @property
    def number(self) -> int:
        """The number of the active run; 0 if there is none."""
        return self.run.pk if self.run else 0

    @property
    def percent(self) -> int | None:
        """How much of the current stage is done, 0 to 100; None if its total is not known."""
        if self.run is None or not self.run.total:
            return None
        return min(100 * self.run.done // self.run.total, 100)

    @property
    def words(self) -> str:
        """A short text that names the kind of the active run and its progress."""
        if self.run is None:
            return ""
        if not self.run.stage:
            return f"{self.run.get_kind_display()} · {words.run_state(self.run)}"
        percent = "" if self.percent is None else f" {self.percent} %"
        return f"{self.run.get_kind_display()} · {self.run.get_stage_display()}{percent}"


def current_header() -> Header:
    return Header(RebuildRun.objects.active().first())


def as_shown() -> tuple[int, str]:
    """The number of the active run (0 for none), and what the header shows of it."""
    header = current_header()
    return header.number, render_to_string("indexing/header/_run.html", {"header": header}).strip()


def how_it_ended(run_id: int) -> str:
    """A notice for a page that showed the run as active; empty while it still is, or when it was deleted."""
    run = RebuildRun.objects.select_related("version").filter(pk=run_id).exclude(state__in=RebuildRun.ACTIVE).first()
    if run is None:
        return ""
    context = {"run": run, "sentence": _outcome(run), "search_goes_on": _search_goes_on(run)}
    return render_to_string("indexing/header/_run_ended.html", context).strip()


def _outcome(run: RebuildRun) -> str:
    if run.state == State.DONE and run.version:
        return _("Version %(number)s is live.") % {"number": run.version.number}
    if run.state == State.DONE:
        return _("The automatic tags are up to date.")
    if run.state == State.HELD and run.version:
        return _("Version %(number)s was built and needs approval.") % {"number": run.version.number}
    return run.error_text


def _search_goes_on(run: RebuildRun) -> str:
    if run.state == State.DONE:
        return ""
    live = IndexState.read().live_version
    if live is None:
        return _("No version is live yet.")
    return still_searching(live)
