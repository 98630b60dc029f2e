"""Reads a CSV file into rows with our fields: delimiter, header, number of cells. What a value means is for `values`.

The csv module is used by hand, not a library for imports: rows are read and compared 1,000 at a time, and each error
names its line and how to fix it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _

from experts.importing.cells import shorten, unmark_formula
from experts.importing.columns import COLUMNS, HEADINGS, field_of
from experts.importing.encodings import check_encoding, check_size
from experts.importing.errors import ImportFailed, Rejection

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

_DELIMITERS = (",", ";", "\t")  # spreadsheets write ";" where the comma is the decimal separator


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One row. `line` is where it starts in the file, counted from 1; `cells` maps each field to its text."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class ImportTable:
    """A file that can be read: its fields, its unknown columns, and its rows, which can be read once."""

    fields: tuple[str, ...]
    unknown_columns: tuple[str, ...]
    rows: Iterator[ImportRow | Rejection]


def open_table(file: BinaryIO) -> ImportTable:
    """Check `file` (seekable, at its start) as a whole and read its header; its rows are read lazily.

    Raises ImportFailed for a file that is too large, empty, not UTF-8, not a CSV or without a username column.
    Reading the rows raises ImportFailed for quotes that are never closed and for too many rows.
    """
    largest = settings.TCS_IMPORT_MAX_MB * 2**20
    check_size(file, largest)
    check_encoding(file)
    # Python's own limit of 131,072 characters per cell would stop the file; ours rejects only the row.
    csv.field_size_limit(largest)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    header, reader = _read_header(text)
    names = [field_of(column) for column in header]
    fields = tuple(name for name in names if name)
    _check_header(header, fields)
    unknown = tuple(
        column.strip() or _("column %(number)s, without a name") % {"number": number}
        for number, (column, name) in enumerate(zip(header, names, strict=True), 1)
        if not name
    )
    return ImportTable(fields, unknown, _rows(reader, names))


def _read_header(text: io.TextIOWrapper) -> tuple[list[str], CsvReader]:
    """The header, and a reader just behind it, with the delimiter that gives the most columns that we know."""
    known = {
        delimiter: sum(field_of(column) is not None for column in _header(text, delimiter)[0])
        for delimiter in _DELIMITERS
    }
    return _header(text, max(known, key=lambda delimiter: known[delimiter]))


def _header(text: io.TextIOWrapper, delimiter: str) -> tuple[list[str], CsvReader]:
    text.seek(0)
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    try:
        header = next((cells for cells in reader if any(cell.strip() for cell in cells)), None)
    except csv.Error:
        header = []  # expected with a wrong delimiter; if it is the right one, _check_header says what is missing
    if header is None:
        raise ImportFailed(_("The file is empty: it has no header and no experts."))
    return header, reader


def _check_header(header: list[str], fields: tuple[str, ...]) -> None:
    if "username" not in fields:
        raise ImportFailed(
            _(
                "The first line has no column “Username”. It must contain the column names, but is “%(columns)s”."
                " Known columns: %(known)s."
            )
            % {"columns": shorten(", ".join(header)), "known": ", ".join(COLUMNS)}
        )
    if twice := next((name for name in fields if fields.count(name) > 1), None):
        raise ImportFailed(
            _("The column “%(column)s” appears twice. Remove or rename one of the two.") % {"column": HEADINGS[twice]}
        )


def _rows(reader: CsvReader, names: list[str | None]) -> Iterator[ImportRow | Rejection]:
    count = 0
    for line, cells in _records(reader):
        if not any(cell.strip() for cell in cells):
            continue  # spreadsheets leave such rows at the end
        count += 1
        if count > settings.TCS_IMPORT_MAX_ROWS:
            raise ImportFailed(
                _(
                    "The file has more than %(limit)s experts. Split the file, or ask your administrator to raise the"
                    " limit."
                )
                % {"limit": settings.TCS_IMPORT_MAX_ROWS}
            )
        values = {name: unmark_formula(cell.strip()) for name, cell in zip(names, cells, strict=False) if name}
        if len(cells) == len(names):
            yield ImportRow(line, values)
        else:
            yield _wrong_number_of_cells(line, len(cells), len(names), values.get("username", ""))


def _records(reader: CsvReader) -> Iterator[tuple[int, list[str]]]:
    """Each record after the header, with the number of the line where it starts."""
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ImportFailed(
                _(
                    "From line %(line)s the file is not valid CSV (%(error)s). Quote cells that contain quotes, and"
                    " double each inner quote."
                )
                % {"line": line, "error": error}
            ) from None
        yield line, cells


def _wrong_number_of_cells(line: int, cells: int, columns: int, username: str) -> Rejection:
    fix = _("The header has %(columns)s columns. Quote cells that contain a delimiter or a line break.")
    value = _("%(cells)s cells") % {"cells": cells}
    return Rejection(line, _("row"), value, fix % {"columns": columns}, username)
