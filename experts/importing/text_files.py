"""Text with delimiters: which one, a line that names it, quotes, and the lines where rows start.

The csv module is used by hand, not a library for imports: rows are read and compared 1,000 at a time, and each error
names its line and how to fix it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _

from experts.importing.encodings import find_encoding
from experts.importing.errors import ImportFailed
from experts.importing.headers import HEADER_WITHIN, known_columns
from experts.importing.source_rows import SourceRow

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

DELIMITERS = (",", ";", "\t", "|")  # spreadsheets write ";" where the comma is the decimal separator
_NAMES_DELIMITER = re.compile(r'\ufeff?"?sep=(.)"?\s*', re.IGNORECASE)
"""The line that tells Excel which delimiter follows."""
LONGEST_LINE = 100_000
"""Characters of a line in which spaces after quotes are looked for."""
_END_OF_TEXT = "\x1a"
"""Ctrl-Z, with which old programs end a text."""


def named_delimiter(given: str) -> str:
    """The delimiter that somebody typed: itself, or “tab”. Raises ValueError for more than one character."""
    delimiter = {"tab": "\t", "\\t": "\t"}.get(given, given)
    if len(delimiter) != 1:
        raise ValueError
    return delimiter


@dataclass(slots=True)
class TextSource:
    """A text file and how it is divided into cells."""

    encoding: str
    delimiter: str
    _text: io.TextIOWrapper
    _first_lines: int
    """How many lines before the rows: 1 if a line names the delimiter."""
    rows_delimiter: str = ""
    """The delimiter of the rows, where it is another one than that of the header."""
    _header_line: int = 0
    """The line of that header."""

    @classmethod
    def open(cls, file: BinaryIO, encoding: str, delimiter: str) -> TextSource:
        """Raises ImportFailed for a file that is not text in the encoding."""
        encoding = find_encoding(file, encoding)
        # Python's own limit of 131,072 characters per cell would stop the file; ours rejects only the row.
        csv.field_size_limit(settings.TCS_IMPORT_MAX_MB * 2**20)
        text = io.TextIOWrapper(file, encoding=encoding, newline="")
        named = _NAMES_DELIMITER.fullmatch(text.readline(20))
        source = cls(encoding, "", text, 1 if named else 0)
        source.delimiter = delimiter or (named[1] if named else source._best_delimiter())
        source._find_rows_delimiter()
        return source

    def rows(self) -> Iterator[SourceRow]:
        """Raises ImportFailed where the text is not valid CSV, or quotes are never closed."""
        reader, before = self._reader(self.delimiter), self._first_lines
        while True:
            line = reader.line_num + 1 + before
            if self.rows_delimiter and line == self._header_line + 1:
                reader, before = self._reader_from_here(self.rows_delimiter), self._header_line
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise ImportFailed(
                    _(
                        "From line %(line)s the file is not valid CSV (%(error)s). Quote cells that contain quotes,"
                        " and double each inner quote."
                    )
                    % {"line": line, "error": error}
                ) from None
            if line == 1 and cells:
                cells[0] = cells[0].lstrip("\ufeff")
            if cells and cells[-1].endswith(_END_OF_TEXT):
                cells[-1] = cells[-1].rstrip(_END_OF_TEXT)
            yield SourceRow(line, list(cells))

    def _reader(self, delimiter: str) -> CsvReader:
        self._text.seek(0)
        for _line in range(self._first_lines):
            self._text.readline()
        return self._reader_from_here(delimiter)

    def _reader_from_here(self, delimiter: str) -> CsvReader:
        lines = _without_spaces_after_quotes(self._text, delimiter)
        return csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)

    def _best_delimiter(self) -> str:
        """The one that gives the most columns that are known, and of those the most columns."""
        return max(DELIMITERS, key=self._columns)

    def _find_rows_delimiter(self) -> None:
        """Somebody typed the header again: no row has its delimiter, and with another one all have its columns."""
        first, _valid = self._first_rows(self.delimiter)
        line, header = max(first, key=lambda row: known_columns(row[1]), default=(0, []))
        below = [cells for number, cells in first if number > line]
        if len(header) < 2 or any(len(cells) > 1 for cells in below):
            return
        for other in DELIMITERS:
            rows, valid = self._first_rows(other)
            counts = {len(cells) for number, cells in rows if number > line}
            if other != self.delimiter and valid and counts == {len(header)}:
                self.rows_delimiter, self._header_line = other, line

    def _first_rows(self, delimiter: str) -> tuple[list[tuple[int, list[str]]], bool]:
        """The first rows that are not blank, each with its last line; and whether they are valid CSV."""
        reader = self._reader(delimiter)
        rows: list[tuple[int, list[str]]] = []
        try:
            for cells in islice(reader, HEADER_WITHIN):
                if any(cells):
                    rows.append((reader.line_num + self._first_lines, cells))
        except csv.Error:
            return rows, False
        return rows, True

    def _columns(self, delimiter: str) -> tuple[int, int]:
        known = most = 0
        try:
            for cells in islice(self._reader(delimiter), HEADER_WITHIN):
                known = max(known, known_columns(cells))
                most = max(most, len(cells))
        except csv.Error:
            return known, 0  # expected with a wrong delimiter; with the right one, reading the rows explains it
        return known, most


def _without_spaces_after_quotes(lines: Iterable[str], delimiter: str) -> Iterator[str]:
    """The lines without the spaces between a closing quote and the delimiter, which the csv module refuses."""
    mark = re.escape(delimiter)
    space = " " if delimiter == "\t" else r"[ \t]"
    ended = re.compile(rf'((?:^|{mark}) *+"(?:[^"]++|"")*+"){space}++(?={mark}|[\r\n]|$)')
    ended_here = re.compile(rf'(^(?:[^"]++|"")*+"){space}++(?={mark}|[\r\n]|$)')
    inside = False
    for line in lines:
        quotes = line.count('"')
        if quotes and len(line) <= LONGEST_LINE and ('" ' in line or '"\t' in line):
            line = ended.sub(r"\1", ended_here.sub(r"\1", line, count=1) if inside else line)
        inside ^= bool(quotes % 2)
        yield line
