"""Reads a file into rows with our fields: header, number of cells, rows without an expert. What a value means is for
`values`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from experts.importing.cells import shorten, unmark_formula
from experts.importing.errors import ImportFailed, Rejection
from experts.importing.headers import HEADER_WITHIN, HeaderRow, check_header, read_header
from experts.importing.options import ImportOptions
from experts.importing.remembered import remembered_columns
from experts.importing.source_rows import Cell, Format, SourceRow, is_blank
from experts.importing.sources import Source, open_source


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One row. `line` is where it starts in the file, counted from 1; `cells` maps each field to its cell."""

    line: int
    cells: dict[str, Cell]


@dataclass(slots=True)
class ImportTable:
    """A file that can be read: how, what its columns fill, and its rows, which can be read again."""

    format: Format
    header: HeaderRow
    _source: Source
    skipped: Counter[str] = field(default_factory=Counter)
    """Rows without an expert, by kind: “blank”, “header”. Complete when the rows have been read."""

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(name for name in self.header.fields if name)

    @property
    def unknown_columns(self) -> tuple[str, ...]:
        return self.header.unknown

    def rows(self) -> Iterator[ImportRow | Rejection]:
        """Every row after the header. Raises ImportFailed where the file is not valid, and for too many rows."""
        self.skipped.clear()
        names, blank, most = self.header.fields, 0, settings.TCS_IMPORT_MAX_ROWS
        columns = [(number, name) for number, name in enumerate(names) if name]
        for count, (line, cells) in enumerate(self._expert_rows(), 1):
            if count > most:
                raise _too_many()
            cells += [""] * (len(names) - len(cells))
            values = {name: _cell(cells[number]) for number, name in columns}
            extra = next((cell for cell in cells[len(names) :] if str(cell).strip()), None)
            if extra is None:
                yield ImportRow(line, values)
            else:
                yield _cell_too_many(line, len(names), str(extra), str(values.get("username", "")))
            blank = self.skipped["blank"]  # nobody needs to hear of those at the end of the file
        self.skipped["blank"] = blank

    def source_rows(self) -> Iterator[SourceRow]:
        """Every row after the header as it is in the file, for those who give rows back to people."""
        return (row for row in self._source.rows() if row.line > self.header.line)

    def notices(self) -> list[str]:
        """Sentences about rows that were skipped, once the rows have been read."""
        blank, headers = self.skipped["blank"], self.skipped["header"]
        sentences = []
        if self.format.rows_delimiter:
            sentences.append(_("The rows have another delimiter than the header, and are divided at that one."))
        if blank:
            sentences.append(ngettext("%s blank row was skipped.", "%s blank rows were skipped.", blank) % blank)
        if headers:
            sentences.append(
                ngettext(
                    "%s row repeats the header and was skipped.",
                    "%s rows repeat the header and were skipped.",
                    headers,
                )
                % headers
            )
        return sentences

    def _expert_rows(self) -> Iterator[SourceRow]:
        names = [name.casefold() for name in self.header.names]
        first = names[0]
        for row in self.source_rows():
            line, cells = row
            if not any(cells) or is_blank(cells):
                self.skipped["blank"] += 1
            elif str(cells[0]).strip().casefold() == first and _repeats(cells, names):
                self.skipped["header"] += 1
            else:
                yield row


def open_table(file: BinaryIO, options: ImportOptions, rows_file: Path | None = None) -> ImportTable:
    """Check `file` (seekable, at its start) as a whole and read its header; its rows are read lazily.

    Raises ImportFailed for a file that is too large, empty, of another kind, or without a column that says who the
    experts are (ColumnsUnknown).
    """
    source, file_format = open_source(file, options, rows_file)
    first = list(islice(source.rows(), HEADER_WITHIN))
    header = read_header(first, options.header_line, options.columns)
    if not options.columns and (columns := remembered_columns(header.names)):
        header = read_header(first, options.header_line, columns)
    check_header(header, file_format)
    return ImportTable(file_format, header, source)


def _cell(cell: Cell) -> Cell:
    if not isinstance(cell, str):
        return cell
    text = cell.strip()
    return unmark_formula(text) if text.startswith("'") else text


def _repeats(cells: list[Cell], names: list[str]) -> bool:
    return [str(cell).strip().casefold() for cell in cells[: len(names)]] == names


def _too_many() -> ImportFailed:
    return ImportFailed(
        _("The file has more than %(limit)s experts. Split the file, or ask your administrator to raise the limit.")
        % {"limit": settings.TCS_IMPORT_MAX_ROWS}
    )


def _cell_too_many(line: int, columns: int, extra: str, username: str) -> Rejection:
    fix = _(
        "The header has %(columns)s columns, and this cell comes after them. Quote cells that contain a delimiter or"
        " a line break."
    )
    return Rejection(line, _("row"), shorten(extra.strip()), fix % {"columns": columns}, username)
