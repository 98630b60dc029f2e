"""The thread of a web process that talks to the bucket, so that no search ever waits for it.

It brings the live version to this machine, then the held and kept ones, so that a rollback finds them here even while
the bucket is away; removes what is deleted; and notes whether the bucket answers.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

from indexing.errors import BucketUnavailable, SnapshotInvalid
from indexing.lib.messages import Message, message
from indexing.lib.process_state import ProcessState
from indexing.lib.threads import BackgroundThread
from indexing.models import IndexState, IndexVersion
from indexing.versions import bucket, sweep

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
CHECK_SECONDS = 10.0
"""Between two questions whether the bucket answers, and whether something is to be removed."""
RETRY_SECONDS = 5.0
"""Pause after a version could not be downloaded."""


class _Superseded(Exception):
    """Another version is needed more urgently. The pieces that arrived stay."""


@dataclass
class Fetching:
    """How far the thread is."""

    token: bucket.BucketToken
    problem: Message | None = None
    """why the bucket cannot be used"""
    percent: int = 0
    """of the version that is being downloaded"""
    next_check: float = 0.0
    """monotonic seconds"""
    next_try: dict[int, float] = field(default_factory=dict)
    """Number of a version that could not be downloaded -> when it is tried again, in monotonic seconds"""
    complete: tuple[object, ...] = ()
    """the versions and wishes for which nothing was missing: only then are files looked at again, or at a check"""


state = ProcessState(lambda: Fetching(bucket.BucketToken()))


def why_not_here(version: IndexVersion) -> Message:
    """Why the version's files are not on this machine yet, as a sentence."""
    found = bucket.requests.get().problems.get(version.number)
    return found or message(
        "Version %(number)s is being downloaded to this machine: %(percent)d %%.",
        number=version.number,
        percent=state.get().percent,
    )


def is_coming(version: IndexVersion) -> bool:
    """Whether the version is only on its way: nothing is wrong with it as far as is known."""
    here = not bucket.is_used() or bucket.is_here(version)
    return not here and version.number not in bucket.requests.get().problems


def problem() -> Message | None:
    """Why the bucket cannot be used; None if it can, and without one."""
    return state.get().problem if bucket.is_used() else None


def _turn() -> float:
    mine, requests = state.get(), bucket.requests.get()
    versions, is_due = _in_order(requests.wanted), time.monotonic() >= mine.next_check
    now = (*((version.number, version.state) for version in versions), *sorted(requests.wanted))
    if now == mine.complete and not is_due:
        return LOOK_SECONDS
    mine.complete = ()
    missing = [version for version in versions if not bucket.is_here(version)]
    requests.wanted.difference_update({version.number for version in versions if version not in missing})
    for version in missing:
        if time.monotonic() >= mine.next_try.get(version.number, 0.0):
            return _bring(version)
    if not missing:
        mine.complete = now
    if is_due:
        _check(mine)
        sweep.delete_leftovers()
        bucket.remove_unneeded()
        mine.next_check = time.monotonic() + CHECK_SECONDS
    return LOOK_SECONDS


def _in_order(wanted: set[int]) -> list[IndexVersion]:
    """The live version, those that somebody waits for, then the newest."""
    live = IndexVersion.State.LIVE
    found = IndexVersion.objects.searchable().exclude(manifest_sha256="")
    return sorted(found, key=lambda each: (each.state != live, each.number not in wanted, -each.number))


def _bring(version: IndexVersion) -> float:
    """Download a version; returns the seconds to pause."""
    mine, requests = state.get(), bucket.requests.get()
    mine.percent, came, next_look = 0, 0, time.monotonic() + LOOK_SECONDS

    def advance(count: int) -> None:
        nonlocal came, next_look
        came += count
        mine.percent = min(99, came * 100 // max(version.bytes, 1))
        if time.monotonic() > next_look:
            live = IndexState.read().live_version_id
            if live != version.number and live is not None and not _is_here(live):
                raise _Superseded
            next_look = time.monotonic() + LOOK_SECONDS

    try:
        bucket.fetch(version, advance)
    except _Superseded:
        return 0.0
    except SnapshotInvalid as error:
        if requests.problems.get(version.number) != error.message:
            logger.error("%s", error)
        requests.problems[version.number] = error.message
        if isinstance(error, BucketUnavailable):
            mine.problem = error.message
        mine.next_try[version.number] = time.monotonic() + RETRY_SECONDS
        return 0.0
    mine.problem = None
    requests.problems.pop(version.number, None)
    logger.info("Version %s is on this machine (%.1f MB downloaded)", version.number, came / 1e6)
    return 0.0


def _is_here(number: int) -> bool:
    version = IndexVersion.objects.filter(pk=number).first()
    return version is not None and bucket.is_here(version)


def _check(mine: Fetching) -> None:
    try:
        mine.token.write()
        bucket.require_answer()
    except BucketUnavailable as error:
        if mine.problem is None:
            logger.error("%s", error)
        mine.problem = error.message
        return
    if mine.problem is not None:
        logger.info("The bucket answers again.")
    mine.problem = None


def _leave() -> None:
    state.get().token.remove()


_background = BackgroundThread("bucket", _turn, retry_seconds=RETRY_SECONDS, at_end=_leave)


def start() -> None:
    """Start the thread, once; nothing without a bucket."""
    if bucket.is_used():
        bucket.requests.get().is_served = True
        _background.start()


def stop() -> None:
    """End the thread."""
    _background.stop()
