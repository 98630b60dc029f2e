"""Whatever an address or a message holds, a number comes out that the database can take."""

from __future__ import annotations

import pytest

from experts.numbers import LARGEST_NUMBER, whole_number


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("7", 7),
        (7, 7),
        ("٣", 3),
        (None, 0),
        ("", 0),
        ("-1", 0),
        (-1, 0),
        ("1.5", 0),
        (1.5, 0),
        ("²", 0),
        ("x", 0),
        ([1], 0),
        ("9" * 10, LARGEST_NUMBER),
        ("9" * 10_000, 0),
        (10**10_000, LARGEST_NUMBER),
    ],
    ids=lambda value: str(value)[:10] if not isinstance(value, int) else "",
)
def test_a_number_from_outside_is_read_or_nothing(value, number):
    assert whole_number(value) == number
