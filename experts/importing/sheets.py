"""Spreadsheets: which sheet, and its rows, which are read once and kept in a file of their own.

Unpacking a sheet takes ten times as long as reading its rows again, and an import reads them more than once: to work
out how numbers are written, for the preview, and to import.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, BinaryIO, cast
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ExpatError

from defusedxml import DefusedXmlException
from django.conf import settings
from django.utils.translation import gettext as _

from experts.importing import excel, opendocument
from experts.importing.archives import damaged, open_archive
from experts.importing.cells import shorten
from experts.importing.errors import ImportFailed
from experts.importing.headers import HEADER_WITHIN
from experts.importing.source_rows import SourceRow, is_blank

_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    ParseError,
    DefusedXmlException,
    ExpatError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RecursionError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What openpyxl and the parsers raise for files that are not as they should be."""


@dataclass(slots=True)
class SheetSource:
    """One sheet of a spreadsheet."""

    kind: str
    sheet: str
    sheets: tuple[str, ...]
    _rows: IO[str]

    @staticmethod
    def takes(file: BinaryIO) -> bool:
        """Whether `file` (at its start) is a spreadsheet by its contents, whatever its name; leaves it there."""
        start = file.read(4)
        file.seek(0)
        return start == b"PK\x03\x04"

    @classmethod
    def open(cls, file: BinaryIO, sheet: str, rows_file: Path | None) -> SheetSource:
        """Raises ImportFailed if the file is not a spreadsheet, is damaged or too large, or has no such sheet."""
        if rows_file and (kept := cls._kept(rows_file, sheet)):
            return kept
        archive = open_archive(file)
        names = archive.namelist()
        try:
            if "xl/workbook.xml" in names:
                return cls._converted("xlsx", *_excel(archive, sheet), rows_file)
            if "content.xml" in names:
                return cls._converted("ods", *_opendocument(archive, sheet), rows_file)
        except _UNREADABLE as error:
            if isinstance(error, OSError) and error.errno:
                raise  # the disk is full, or worse
            raise damaged() from None
        raise ImportFailed(_("This is a ZIP file, not a spreadsheet. Unpack it, and upload the file in it."))

    def rows(self) -> Iterator[SourceRow]:
        self._rows.seek(0)
        next(self._rows)
        for line in self._rows:
            number, *cells = json.loads(line)
            yield SourceRow(number, cells)

    @classmethod
    def _kept(cls, path: Path, sheet: str) -> SheetSource | None:
        try:
            file = path.open(encoding="utf-8")
        except FileNotFoundError:
            return None
        about = json.loads(next(file))
        if sheet in ("", about["sheet"]):
            return cls(about["kind"], about["sheet"], tuple(about["sheets"]), file)
        file.close()
        return None

    @classmethod
    def _converted(
        cls, kind: str, sheet: str, sheets: tuple[str, ...], rows: Iterator[SourceRow], path: Path | None
    ) -> SheetSource:
        file = cast(IO[str], tempfile.TemporaryFile("w+", encoding="utf-8"))  # noqa: SIM115  it is kept open
        if path:
            being_written = path.with_suffix(".writing")
            descriptor = os.open(being_written, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            file = os.fdopen(descriptor, "w+", encoding="utf-8")
        file.write(json.dumps({"kind": kind, "sheet": sheet, "sheets": sheets}) + "\n")
        # One more than is imported, if the header is as far down as it may be: whoever reads the rows says so.
        for row in islice(rows, HEADER_WITHIN + settings.TCS_IMPORT_MAX_ROWS + 1):
            file.write(json.dumps([row.line, *row.cells]) + "\n")
        file.flush()
        if path:
            being_written.rename(path)
        return cls(kind, sheet, sheets, file)


Read = tuple[str, tuple[str, ...], Iterator[SourceRow]]


def _chosen(sheet: str, names: list[str], rows: Callable[[str], Iterator[SourceRow]]) -> str:
    """The sheet itself or, without one, the first that has a row."""
    if sheet and sheet not in names:
        raise ImportFailed(_("The file has no sheet “%(sheet)s”.") % {"sheet": shorten(sheet)})
    if sheet:
        return sheet
    return next((name for name in names if any(True for _row in rows(name))), names[0])


def _excel(archive: zipfile.ZipFile, sheet: str) -> Read:
    book = excel.Workbook(archive)
    names = list(book.paths)

    def rows(name: str) -> Iterator[SourceRow]:
        return (row for row in book.rows(name) if not is_blank(row.cells))

    chosen = _chosen(sheet, names, rows)
    return chosen, tuple(names), rows(chosen)


def _opendocument(archive: zipfile.ZipFile, sheet: str) -> Read:
    names = opendocument.sheet_names(archive)

    def rows(name: str) -> Iterator[SourceRow]:
        return opendocument.sheet_rows(archive, name, settings.TCS_IMPORT_MAX_ROWS + 2)

    chosen = _chosen(sheet, names, rows)
    return chosen, tuple(names), rows(chosen)
