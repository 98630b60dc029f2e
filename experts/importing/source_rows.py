"""One row of a file, before anybody knows what its columns mean, and the kind of file it is from."""

from __future__ import annotations

from typing import NamedTuple

Cell = str | int | float
"""Text, or a number that a spreadsheet stores as one, so that it has no decimal mark to guess."""


class SourceRow(NamedTuple):
    line: int
    """Where the row starts: a line of the text, or a row of the sheet, counted from 1."""
    cells: list[Cell]


class Format(NamedTuple):
    """How a file is read; what does not apply is empty."""

    kind: str
    """“csv”, “xlsx” or “ods”."""
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    rows_delimiter: str = ""
    """Of the rows, where it is another one than that of the header."""


def is_blank(cells: list[Cell]) -> bool:
    return not any(cell if not isinstance(cell, str) else cell.strip(" \t\r\n\x1a\ufeff") for cell in cells)
