"""Waiting for a condition, with a limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], *, seconds: float = 60.0, every: float = 0.02) -> T:
    """Return the first true result of `condition`; fail after `seconds`, a generous limit for slow machines.

    It is looked at once in `every` seconds: seldom where a server is asked, which is at work on what is waited for.
    """
    give_up = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < give_up, f"the condition was not met within {seconds} s"
        time.sleep(every)
    return answer
