"""What the index is doing: read in one place for the pages, the API and the commands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from indexing.lib import processes, pulse, times
from indexing.models import IndexState, IndexVersion, RebuildRun, ServingProcess
from indexing.runs import estimates
from indexing.runs.estimates import Estimate

Badge = Literal["never", "rebuilding", "complete", "failed", "cancelled", "held", "discarded"]

_BADGES: dict[str, Badge] = {
    RebuildRun.State.QUEUED: "rebuilding",
    RebuildRun.State.RUNNING: "rebuilding",
    RebuildRun.State.DONE: "complete",
    RebuildRun.State.HELD: "held",
    RebuildRun.State.CANCELLED: "cancelled",
    RebuildRun.State.DISCARDED: "discarded",
    RebuildRun.State.FAILED: "failed",
    RebuildRun.State.CRASHED: "failed",
}

CHANGEOVER = timedelta(seconds=15)
"""How long the web processes may take to open a new version, check its files and report it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the active run is in its current stage. `fraction` is None if the total is not known."""

    stage: str
    done: int
    total: int
    rate: float | None
    """items per second"""
    left: Estimate
    """time left for the whole run"""

    @property
    def seconds_left(self) -> float | None:
        """The estimated time left, in seconds; None if there is no estimate."""
        return self.left.seconds

    @property
    def fraction(self) -> float | None:
        return min(self.done / self.total, 1.0) if self.total else None

    @property
    def percent(self) -> int | None:
        return None if self.fraction is None else int(self.fraction * 100)


@dataclass(frozen=True, slots=True)
class Server:
    """A web process and the version that it serves."""

    host: str
    pid: int
    version: int | None
    silent: bool
    """It has not reported lately: it is paused or cut off, or ended unexpectedly."""


@dataclass(frozen=True, slots=True)
class StalledWork:
    """Background work of a web process that has not run lately, by the names of its threads."""

    host: str
    pid: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Serving:
    """How many of the running web processes serve the live version, and why the others do not."""

    processes: int
    current: int
    problems: tuple[str, ...]
    """why processes do not serve the live version"""
    bucket_problems: tuple[str, ...] = ()
    """why processes that serve it cannot use the bucket with the versions"""
    falling_back: tuple[int, ...] = ()
    """versions that processes with a problem serve instead"""
    unable: int = 0
    """processes with a problem that serve no version"""
    each: tuple[Server, ...] = ()
    """all known processes, including silent ones, which are not counted above"""
    stalled: tuple[StalledWork, ...] = ()
    changing_over: bool = False
    """The live version is new, so that processes may still be opening it, and none has a problem."""

    @property
    def level(self) -> Literal["ok", "quiet", "attention"]:
        """How the page shows how many processes serve the live version."""
        if self.current == self.processes:
            return "ok"
        return "quiet" if self.changing_over else "attention"


@dataclass(frozen=True, slots=True)
class IndexStatus:
    badge: Badge
    sentence: str
    state: IndexState
    latest: RebuildRun | None
    active: RebuildRun | None
    progress: Progress | None
    serving: Serving

    @property
    def live(self) -> IndexVersion | None:
        return self.state.live_version

    @property
    def api_state(self) -> Literal["idle", "running", "done", "error"]:
        """The state as the JSON API has it; "idle" means that there was never a run."""
        if self.latest is None:
            return "idle"
        return self.latest.api_state


def current_status() -> IndexStatus:
    """The index as it is now: its live version, its latest run, and the processes that serve it."""
    state = IndexState.read()
    latest = RebuildRun.objects.select_related("version").order_by("-pk").first()
    active = latest if latest and latest.is_active else None
    return IndexStatus(
        badge=_BADGES[latest.state] if latest else "never",
        sentence=sentence_of(latest) if latest else _("No index has been built yet."),
        state=state,
        latest=latest,
        active=active,
        progress=progress(active) if active else None,
        serving=serving(state),
    )


def badge_of(run: RebuildRun) -> Badge:
    return _BADGES[run.state]


def progress(run: RebuildRun) -> Progress:
    return Progress(run.stage, run.done, run.total, run.rate, estimates.time_left(run))


def serving(state: IndexState) -> Serving:
    seen = list(ServingProcess.objects.seen())
    silent = list(ServingProcess.objects.silent())
    without_bucket = [each for each in seen if each.problem and each.version_number == state.live_version_id]
    troubled = [each for each in seen if each.problem and each not in without_bucket]
    return Serving(
        processes=len(seen),
        current=sum(process.version_number == state.live_version_id for process in seen)
        if state.live_version_id
        else 0,
        problems=tuple(sorted({process.problem_text for process in troubled})),
        bucket_problems=tuple(sorted({process.problem_text for process in without_bucket})),
        falling_back=tuple(sorted({process.version_number for process in troubled if process.version_number})),
        unable=sum(process.version_number is None for process in troubled),
        each=tuple(
            Server(process.host, process.pid, process.version_number, silent=process in silent)
            for process in sorted((*seen, *silent), key=lambda process: (process.host, process.pid))
        ),
        changing_over=not troubled and _is_new(state.live_version),
        stalled=_stalled(seen),
    )


def _stalled(seen: list[ServingProcess]) -> tuple[StalledWork, ...]:
    """As the processes reported it. This one says it itself: what has stalled may be what reports."""
    found = {(process.host, process.pid): tuple(process.stalled) for process in seen if process.stalled}
    if mine := tuple(each.name for each in pulse.stalled()):
        me = processes.me()
        found[me.host, me.pid] = mine
    return tuple(StalledWork(host, pid, names) for (host, pid), names in sorted(found.items()))


def _is_new(live: IndexVersion | None) -> bool:
    return live is not None and live.live_from is not None and timezone.now() - live.live_from < CHANGEOVER


def waiting_to_start() -> str:
    """What a queued run waits for: its own process starts in seconds, a worker that runs apart may be down."""
    return _("Waiting for a worker to pick it up…") if settings.TCS_WORKER == "external" else _("Starting…")


def sentence_of(run: RebuildRun) -> str:
    """What the run is doing, or how it ended."""
    if run.state == RebuildRun.State.QUEUED:
        return waiting_to_start()
    if run.state == RebuildRun.State.RUNNING:
        return _("%(kind)s by %(who)s, since %(when)s.") % {
            "kind": run.get_kind_display().capitalize(),
            "who": run.who,
            "when": times.clock(run.started_at) if run.started_at else "",
        }
    if run.state == RebuildRun.State.DONE:
        return _("%(kind)s done.") % {"kind": run.get_kind_display().capitalize()}
    return run.error_text
