"""Finding experts in the arrays of a version, which are ordered by expert id."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def find_rows(
    rising_ids: NDArray[np.int64], wanted: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The place of each wanted id in an array of ascending ids, found by binary search.

    `rising_ids` is int64[n], strictly rising, perhaps empty; `wanted` is int64[m] in any order. Returns rows int64[m]
    and whether each id was found, bool[m]; the row of an id that was not found is 0.
    """
    if not len(rising_ids):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.bool_)
    rows = np.minimum(np.searchsorted(rising_ids, wanted), len(rising_ids) - 1)
    is_found = rising_ids[rows] == wanted
    return np.where(is_found, rows, 0), is_found


def require_rows(rising_ids: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Row int64[m] of each wanted id; as `find_rows`, but raises KeyError with the first id that is not found."""
    rows, is_found = find_rows(rising_ids, wanted)
    if not is_found.all():
        raise KeyError(int(wanted[np.argmin(is_found)]))
    return rows
