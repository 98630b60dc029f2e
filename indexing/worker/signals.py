"""SIGTERM and Ctrl-C, as the worker and the commands take them: finish the step, record the outcome, end."""

from __future__ import annotations

import signal
from types import FrameType


class Interruption:
    """Set by a signal handler, read by the worker between two steps."""

    def __init__(self) -> None:
        self.signal = ""
        """The name of the signal that came, such as "SIGTERM"; empty while none has."""

    def __bool__(self) -> bool:
        return bool(self.signal)


def interruption() -> Interruption:
    """An Interruption that SIGTERM and SIGINT set. A second signal ends the process at once."""
    interruption = Interruption()

    def interrupt(number: int, _frame: FrameType | None) -> None:
        interruption.signal = signal.Signals(number).name
        signal.signal(number, signal.SIG_DFL)

    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, interrupt)
    return interruption
