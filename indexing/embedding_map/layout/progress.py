"""How far a long computation is, as a share of its whole, which is cut into parts of so many expected seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Advance = Callable[[float], None]
"""Told the share that is done, 0 to 1, a few times a second at best; raises Cancelled to stop."""


def never(share: float) -> None:
    """For who does not care."""


class Parts:
    """Each part tells its own 0 to 1, and the whole hears its share of the whole."""

    def __init__(self, advance: Advance, seconds: Mapping[str, float]) -> None:
        self._advance = advance
        self._seconds = dict(seconds)
        self._whole = sum(self._seconds.values()) or 1.0

    def part(self, name: str) -> Advance:
        """The parts before it, in the order they were given, count as done."""
        names = list(self._seconds)
        before = sum(self._seconds[each] for each in names[: names.index(name)])

        def advance(share: float) -> None:
            self._advance(min((before + share * self._seconds[name]) / self._whole, 1.0))

        advance(0.0)
        return advance
