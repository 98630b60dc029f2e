"""Runs of the index: requested, claimed, watched and ended."""

from indexing.runs.queue import (
    LeaseWatch,
    await_sign,
    beat,
    cancel,
    cancelled_sentence,
    claim,
    fail,
    lose,
    reap,
    request,
    stopped,
    waiting,
)

__all__ = [
    "LeaseWatch",
    "await_sign",
    "beat",
    "cancel",
    "cancelled_sentence",
    "claim",
    "fail",
    "lose",
    "reap",
    "request",
    "stopped",
    "waiting",
]
