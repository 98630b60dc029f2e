"""Runs of the index: requested, claimed, watched and ended."""

from indexing.runs.endings import (
    BuildOutcome,
    complete,
    end_cancelled,
    fail,
    hold,
    mark_crashed,
    publish,
)
from indexing.runs.lease import beat, claim, reap, wait_for_heartbeat
from indexing.runs.queue import cancel, request, waiting

__all__ = [
    "BuildOutcome",
    "beat",
    "cancel",
    "claim",
    "complete",
    "end_cancelled",
    "fail",
    "hold",
    "mark_crashed",
    "publish",
    "reap",
    "request",
    "wait_for_heartbeat",
    "waiting",
]
