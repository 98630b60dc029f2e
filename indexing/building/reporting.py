"""How a build reports what it is doing. The worker implements it: a build knows nothing of rows or sockets."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from indexing.lib.messages import Message


class StageProgress(Protocol):
    """The progress of the stage that is running."""

    def expect(self, total: int) -> None:
        """Set how many items the stage has; 0 if that is not known."""

    def advance(self, count: int = 1) -> None:
        """Report that `count` more items are done. Raises Cancelled or FenceLost if the build must stop."""

    def summarise(self, sentence: Message) -> None:
        """Say what the stage did, for the log: "Reused 1,480 vectors, encoded 20". Time and rate are added."""


class Reporter(Protocol):
    def stage(self, name: str) -> AbstractContextManager[StageProgress]:
        """Enter a stage; leaving it logs counts, seconds and rate. Raises Cancelled or FenceLost on entry."""
