"""The text of one cell: made harmless for spreadsheets, and shortened for messages."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

_FORMULA = re.compile(r"'*[=+\-@\t\r\n\0＝＋－＠]")  # noqa: RUF001
"""The start of a cell that a spreadsheet would run, with any number of `'` before it."""


def mark_formula(value: str) -> str:
    """`value` as a cell that no spreadsheet runs: with `'` before it if it starts like a formula.

    A value that already starts with `'` and then like a formula gets one more, so that `unmark_formula` always
    returns the value as it was.
    """
    return f"'{value}" if _FORMULA.match(value) else value


def unmark_formula(value: str) -> str:
    """The value that was passed to `mark_formula`."""
    return value[1:] if value.startswith("'") and _FORMULA.match(value) else value


def shorten(value: str, limit: int = 60) -> str:
    """The first `limit` characters of `value` for a message; unprintable ones are shown as escapes such as \\x00."""
    printable = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in value[: limit + 1])
    if len(value) <= limit:
        return printable
    return _("%(start)s… (%(length)s characters)") % {"start": printable[:limit], "length": len(value)}
