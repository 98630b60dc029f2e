"""Shows a build in a terminal: the lines of the log and, below them, the progress of the stage."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from experts.safe_text import SafeFormatter
from indexing.worker.reporter import ShowProgress

WIDTH = 30


@contextmanager
def log_to_terminal(*, quiet: bool) -> Iterator[ShowProgress | None]:
    """Write what the index logs to stderr. Yields what shows progress, or None if stderr is not a terminal."""
    progress = TerminalProgress(sys.stderr) if sys.stderr.isatty() and not quiet else None
    handler = logging.StreamHandler(progress or sys.stderr)
    handler.setFormatter(SafeFormatter())
    logger = logging.getLogger("indexing")
    logger.propagate = False  # or the root logger would print every warning again
    if not quiet:
        logger.addHandler(handler)
    try:
        yield progress.show if progress else None
    finally:
        logger.removeHandler(handler)
        logger.propagate = True


class TerminalProgress:
    """A progress line below everything that is written through this."""

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal
        self._line = ""

    def show(self, stage: str, done: int, total: int) -> None:
        share = min(done / total, 1.0) if total else 0.0
        bar = "#" * round(share * WIDTH)
        line = f"{stage:9} [{bar:{WIDTH}}] {done:,}/{total:,}" if total else f"{stage:9} {done:,}"
        if line != self._line:
            self._terminal.write(f"\r\x1b[K{line}")
            self._terminal.flush()
            self._line = line

    def write(self, text: str) -> None:
        self._terminal.write(f"\r\x1b[K{text}")
        self._line = ""

    def flush(self) -> None:
        self._terminal.flush()
