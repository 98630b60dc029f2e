"""Which vectors can be used at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 1e-3


def is_usable(vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
    """bool[n]: which of the vectors, float32[n, d], are finite and of unit length."""
    usable: NDArray[np.bool_] = np.abs(np.linalg.norm(vectors, axis=1) - 1) <= TOLERANCE  # False for NaN
    return usable
