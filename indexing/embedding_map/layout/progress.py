"""Progress of a long computation whose parts are expected to take a known number of seconds each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

ProgressCallback = Callable[[float], None]
"""Called with the share that is done, 0 to 1, a few times a second at most; raises Cancelled to stop."""


def ignore_progress(share: float) -> None:
    """A callback that does nothing."""


class WeightedProgress:
    """Each part reports 0 to 1 of itself; `advance` is called with the share of the whole that this makes."""

    def __init__(self, advance: ProgressCallback, seconds: Mapping[str, float]) -> None:
        self._advance = advance
        self._seconds = dict(seconds)
        self._whole = sum(self._seconds.values()) or 1.0

    def part(self, name: str) -> ProgressCallback:
        """The callback for one part; the parts given before it count as done."""
        names = list(self._seconds)
        before = sum(self._seconds[each] for each in names[: names.index(name)])

        def advance(share: float) -> None:
            self._advance(min((before + share * self._seconds[name]) / self._whole, 1.0))

        advance(0.0)
        return advance
