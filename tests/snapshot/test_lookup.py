"""Finding experts by id in the arrays of a version."""

from __future__ import annotations

import numpy as np
import pytest

from indexing.snapshot.lookup import find_rows, require_rows


@pytest.mark.parametrize(
    ("rising", "wanted", "rows", "is_found"),
    [
        ([3, 5, 9], [9, 3, 5], [2, 0, 1], [True, True, True]),
        ([3, 5, 9], [1, 4, 10, 5], [0, 0, 0, 1], [False, False, False, True]),
        ([], [1], [0], [False]),
        ([3], [], [], []),
    ],
)
def test_each_id_has_its_row_or_is_marked_as_missing(rising, wanted, rows, is_found):
    found = find_rows(np.array(rising, np.int64), np.array(wanted, np.int64))
    assert [part.tolist() for part in found] == [rows, is_found]


def test_a_missing_id_is_named():
    ids = np.array([3, 5, 9], np.int64)
    assert require_rows(ids, np.array([9, 3], np.int64)).tolist() == [2, 0]
    with pytest.raises(KeyError, match="^4$"):
        require_rows(ids, np.array([9, 4, 11], np.int64))
    with pytest.raises(KeyError):
        require_rows(np.empty(0, np.int64), ids)
