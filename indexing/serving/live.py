"""The version that this process serves, and the thread that keeps it the live one.

`current()` is one attribute read. Twice a second the thread compares the state row with what is served. It opens and
verifies a new version beside the old one, then replaces it; a search that has the old one keeps it until it ends.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.utils import timezone

from indexing import runs
from indexing.errors import NoIndexYet, SnapshotInvalid
from indexing.lib import processes, pulse
from indexing.lib.messages import Message, message
from indexing.lib.process_state import ProcessState
from indexing.lib.threads import BackgroundThread
from indexing.lib.translation import stored_text, translated
from indexing.models import IndexState, IndexVersion, ServingProcess
from indexing.runs import launch
from indexing.serving import fetching
from indexing.snapshot.reader import Snapshot
from indexing.versions import bucket, free_memory, shared_folder
from indexing.versions.opening import open_snapshot
from indexing.versions.shared_folder import FolderToken

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
REPORT_SECONDS = 2.0
RETRY_SECONDS = 30.0
"""Pause after a version was refused: reading all its files again twice a second would help nobody."""


HasModel = Callable[[str, int], bool]
"""Called with a fingerprint and a dimension; False only if this process is known to encode with another model."""


def any_model(_fingerprint: str, _dimension: int) -> bool:
    """Always True: for processes that encode no queries, so any version's model will do."""
    return True


class Live:
    """The version that this process serves."""

    def __init__(self, has_model: HasModel = any_model) -> None:
        self.has_model = has_model
        self.snapshot: Snapshot | None = None
        self.problem: Message | None = None
        """why the live version is not served"""
        self._refused: dict[int, float] = {}
        """Number of a version -> when it is tried again, in monotonic seconds."""
        self.next_report = 0.0
        """monotonic seconds"""
        self.token: FolderToken | bucket.BucketToken = FolderToken()
        if bucket.is_used():
            self.token = fetching.state.get().token

    def refresh(self, *, fetch: bool = True) -> None:
        """Serve the live version if it is not served already. One that is in a bucket only is downloaded before that,
        or left to the thread that does so (`fetching`) without `fetch`.

        A version that does not verify is refused, and `problem` says why. What is served stays; a process that serves
        nothing yet takes the newest kept version that verifies.
        """
        wanted = IndexState.read().live_version
        serving = self.snapshot.number if self.snapshot else None
        if wanted is None or wanted.number == serving:
            if wanted is not None:
                self.problem = None
            return
        if time.monotonic() < self._refused.get(wanted.number, 0.0):
            return
        self.problem = self._serve(wanted, fetch)
        if self.problem and self.snapshot is None:
            kept = IndexVersion.objects.filter(state=IndexVersion.State.KEPT).order_by("-number")
            next((version for version in kept if not self._serve(version, fetch)), None)
        if self.snapshot is not None and not fetch and fetching.is_coming(wanted):
            self.problem = None

    def _serve(self, version: IndexVersion, fetch: bool) -> Message | None:
        """Open and serve it; returns why not, or None."""
        if bucket.is_used() and not fetch and not bucket.is_here(version):
            return fetching.why_not_here(version)
        try:
            self._require_searchable(version)
            # A process that serves nothing yet needs no reserve for running searches.
            free_memory.require(version, reserve=free_memory.RESERVE if self.snapshot else 0)
            snapshot = open_snapshot(version)
        except (SnapshotInvalid, OSError, MemoryError) as error:
            why = error if str(error) else message("There is not enough memory to open it.")
            problem = message("Version %(number)s is not served: %(why)s", number=version.number, why=why)
            logger.error("%s", problem)
            self._refused[version.number] = time.monotonic() + RETRY_SECONDS
            return problem
        self.snapshot = snapshot
        logger.info("Serving version %s (%s experts)", snapshot.number, len(snapshot.ids))
        return None

    def _require_searchable(self, version: IndexVersion) -> None:
        """Refuse a newer version built with a model that this process does not have: search by meaning would stop
        until a restart. An earlier version was chosen by whoever rolled back, and is served. Raises SnapshotInvalid.
        """
        if self.snapshot is None or version.number < self.snapshot.number:
            return
        serving = self.snapshot.manifest
        if self.has_model(serving.fingerprint, serving.dimension) and not self.has_model(
            version.model_fingerprint, version.dimension
        ):
            raise SnapshotInvalid(
                message(
                    "It was built with the model %(name)s (%(fingerprint)s…), which is not loaded in this process: "
                    "restart the process.",
                    name=version.model_name,
                    fingerprint=version.model_fingerprint[:8],
                )
            )


served = ProcessState(Live)
"""What this process serves."""


def current() -> Snapshot:
    """The version that this process serves. Take it once per search. Raises NoIndexYet."""
    snapshot = served.get().snapshot
    if snapshot is None:
        raise NoIndexYet
    return snapshot


def has_looked() -> bool:
    """Whether this process has looked once for the live version, and serves it if it can."""
    return served.get().next_report > 0


def problem() -> str:
    """Why this process does not serve the live version, or cannot get the next one, as a sentence; empty if all is
    well, or if there is no version."""
    return translated(served.get().problem or fetching.problem())


def load_now() -> Snapshot:
    """Open the live version at once, for commands, which run no thread. Raises NoIndexYet, SnapshotInvalid."""
    live = served.get()
    live.refresh()
    if live.snapshot is None and live.problem:
        raise SnapshotInvalid(live.problem)
    return current()


def _keep_current() -> float:
    live = served.get()
    live.refresh(fetch=False)
    if time.monotonic() >= live.next_report:
        _report(live)
        runs.reap()
        _take_over_map()
        live.next_report = time.monotonic() + REPORT_SECONDS
    return LOOK_SECONDS


def _leave() -> None:
    """Take this process off the list of those that serve. If the database is away, another does it later."""
    served.get().token.remove()
    ServingProcess.objects.owned_by(processes.me()).delete()


def _report(live: Live) -> None:
    me = processes.me()
    live.token.count()
    problem = live.problem or fetching.problem()
    ServingProcess.objects.update_or_create(
        host=me.host,
        pid=me.pid,
        process_start=me.start,
        defaults={
            "seen_at": timezone.now(),
            "version_number": live.snapshot.number if live.snapshot else None,
            "problem": stored_text(problem) if problem else "",
            "problem_data": problem.as_dict() if problem else None,
            "folder_token": live.token.written,
            "folder_beats": live.token.beats,
            "stalled": [each.name for each in pulse.stalled()],
        },
    )
    if ServingProcess.objects.expired().delete()[0]:
        shared_folder.remove_abandoned()


def _take_over_map() -> None:
    """Have the live version's map computed if the process that was to compute it is gone."""
    version = IndexState.read().live_version
    if settings.TCS_WORKER == "subprocess" and version is not None and version.map_owner_missing:
        launch.start_worker_for_map(version)


_background = BackgroundThread("live", _keep_current, retry_seconds=LOOK_SECONDS, at_end=_leave)


def start(*, has_model: HasModel = any_model) -> None:
    """Start the thread, once. `has_model` keeps out newer versions that this process could not search by meaning."""
    served.get().has_model = has_model
    fetching.start()
    _background.start()


def stop() -> None:
    """End the thread, and take this process off the list of those that serve."""
    fetching.stop()
    _background.stop()
