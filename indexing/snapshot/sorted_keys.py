"""Millions of short keys in the order of their bytes, without a Python object for each."""

from __future__ import annotations

from array import array
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

MAX_KEY_BYTES = 64
"""Longer than anybody types before choosing."""
BLOCK = 65_536


class SortedKeys:
    """Keys of up to MAX_KEY_BYTES, without a NUL at the end, and the number that each leads to."""

    def __init__(self) -> None:
        self._blocks: list[NDArray[np.bytes_]] = []
        self._pending: list[bytes] = []
        self._numbers = array("i")

    def add(self, number: int, keys: Collection[bytes]) -> None:
        """Add keys that lead to `number`, which is at least that of the call before."""
        self._pending += keys
        self._numbers.extend([number] * len(keys))
        if len(self._pending) >= BLOCK:
            self._pack()

    def arrays(self) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int32]]:
        """All s keys one after another, in rising order of their bytes; where each ends, int64[s]; and the number of
        each, int32[s], rising for equal keys."""
        self._pack()
        together = np.concatenate([np.empty(0, f"S{MAX_KEY_BYTES}"), *self._blocks])
        self._blocks = []
        order = np.argsort(together, kind="stable")
        ends = np.cumsum(np.char.str_len(together)[order], dtype=np.int64)
        letters = bytearray()
        for start in range(0, len(order), BLOCK):
            letters += b"".join(together[order[start : start + BLOCK]].tolist())
        return np.frombuffer(bytes(letters), np.uint8), ends, np.array(self._numbers, np.int32)[order]

    def _pack(self) -> None:
        self._blocks.append(np.array(self._pending, f"S{MAX_KEY_BYTES}"))
        self._pending = []
