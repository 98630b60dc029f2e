"""SIGTERM and Ctrl-C, as the worker and the commands take them: finish the step, record the outcome, end."""

from __future__ import annotations

import signal
from types import FrameType

from indexing.worker.execute import Interruption


def interruption() -> Interruption:
    """An Interruption that SIGTERM and SIGINT set. A second signal ends the process at once."""
    noted = Interruption()

    def note(number: int, _frame: FrameType | None) -> None:
        noted.signal = signal.Signals(number).name
        signal.signal(number, signal.SIG_DFL)

    signal.signal(signal.SIGTERM, note)
    signal.signal(signal.SIGINT, note)
    return noted
