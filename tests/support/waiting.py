"""Waiting for a condition, with a limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], *, seconds: float = 60.0) -> T:
    """Return the first true result of `condition`; fail after `seconds`, a generous limit for slow machines."""
    give_up = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < give_up, f"the condition was not met within {seconds} s"
        time.sleep(0.02)
    return answer
