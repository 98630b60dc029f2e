"""Whether a difference between two means may be chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def paired_p(before: Sequence[float], after: Sequence[float], resamples: int = 10_000) -> float:
    """Two-sided p of the difference of two means over the same queries, by a paired bootstrap.

    Twice the smaller share of resampled mean differences on one side of zero (Efron and Tibshirani, 1993, ch. 16).
    """
    differences = np.asarray(after, np.float64) - np.asarray(before, np.float64)
    drawn = np.random.default_rng(0).integers(0, len(differences), (resamples, len(differences)))
    means = differences[drawn].mean(axis=1)
    return float(min(1.0, 2 * min((means <= 0).mean(), (means >= 0).mean())))
