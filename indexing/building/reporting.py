"""How a build tells what it is doing. The worker implements it; a build knows nothing of rows or sockets."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol


class StageProgress(Protocol):
    """One stage while it goes on."""

    def expect(self, total: int) -> None:
        """How many items the stage has; 0 where that cannot be known."""

    def advance(self, count: int = 1) -> None:
        """`count` more items are done. Raises Cancelled or FenceLost when the build must stop."""

    def summarise(self, sentence: str) -> None:
        """What the stage did, for the log: "reused 1,480 vectors, encoded 20". Counts and rate are added."""


class Reporter(Protocol):
    def stage(self, name: str) -> AbstractContextManager[StageProgress]:
        """Enter a stage; leaving it logs counts, seconds and rate. Raises Cancelled or FenceLost on entry."""
