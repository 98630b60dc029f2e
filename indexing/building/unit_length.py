"""Which vectors can be used at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 1e-3
BLOCK = 16_384  # vectors in memory at once: they may be a mapped file


def is_usable(vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
    """bool[n]: which of the vectors, float32[n, d], are finite and of unit length."""
    usable = np.empty(len(vectors), np.bool_)
    for start in range(0, len(vectors), BLOCK):
        some = slice(start, start + BLOCK)
        usable[some] = np.abs(np.linalg.norm(vectors[some], axis=1) - 1) <= TOLERANCE  # False for NaN
    return usable
