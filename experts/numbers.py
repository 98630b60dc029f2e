"""Numbers that come from outside: addresses, forms, messages on the socket, arguments of commands."""

from __future__ import annotations

LARGEST_ID = 2**63 - 1
"""The largest key of a row."""
LARGEST_NUMBER = 2**31 - 1
"""The largest number of a version, a tag, a page or a line of a log: every database holds it in an integer column."""

MAX_DIGITS = 19
"""Python takes long to read a number of thousands of digits, and refuses one of more than 4,300."""


def whole_number(value: object) -> int:
    """A number of 0 or more, at most LARGEST_NUMBER; 0 for anything that is not one. Takes text and integers."""
    if isinstance(value, int):
        return max(0, min(value, LARGEST_NUMBER))
    if isinstance(value, str) and value.isdecimal() and len(value) <= MAX_DIGITS:
        return min(int(value), LARGEST_NUMBER)
    return 0
