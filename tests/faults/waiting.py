"""Waiting for a condition, with a limit."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(holds: Callable[[], object], what: str, within: float = 30) -> float:
    """Wait until `holds()` is true; returns the seconds it took. Fails naming `what`."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within, f"not within {within:g} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - began
