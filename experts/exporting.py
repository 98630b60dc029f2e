"""Writes experts to a file that the import can read back unchanged."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import IO, BinaryIO

from openpyxl import Workbook

from experts.importing.cells import mark_formula
from experts.importing.columns import COLUMNS
from experts.models import Expert

MAX_CELL = 32_767
"""Characters of a cell in Excel."""


def write_csv(experts: Iterable[Expert], file: IO[str], delimiter: str = ",", hidden: Collection[str] = ()) -> None:
    """Write a header and one row per expert, with the columns of an import but those of the `hidden` fields.

    Cells that a spreadsheet would run as a formula get an apostrophe in front.
    """
    writer = csv.writer(file, delimiter=delimiter)
    columns = {column: field for column, field in COLUMNS.items() if field not in hidden}
    writer.writerow(columns)
    for expert in experts:
        writer.writerow(mark_formula(_text(getattr(expert, field))) for field in columns.values())


def write_excel(experts: Iterable[Expert], file: BinaryIO) -> None:
    """The same as a sheet, row by row, with rates as numbers. Times are in UTC, since a sheet knows no zones."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Experts")
    sheet.append(list(COLUMNS))
    for expert in experts:
        sheet.append([_cell(getattr(expert, field)) for field in COLUMNS.values()])
    book.save(file)


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _cell(value: object) -> object:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return mark_formula(_text(value))[:MAX_CELL] or None
