"""Waiting for a condition, with a limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], *, seconds: float = 60.0) -> T:
    """The first true answer of `condition`; fails after `seconds` (machines are slow, tests are not timed)."""
    give_up = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < give_up, f"waited {seconds} s in vain"
        time.sleep(0.02)
    return answer
