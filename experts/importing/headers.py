"""Finds the line with the names of the columns, and which field each of them fills."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from experts.importing.cells import shorten
from experts.importing.columns import COLUMNS, EMAIL, FULL_NAME, HEADINGS, field_of, likely_field_of
from experts.importing.errors import ImportFailed
from experts.importing.source_rows import Cell, Format, SourceRow, is_blank

HEADER_WITHIN = 20
"""Rows at the start of a file among which the header is looked for: exports put titles above it."""
SAMPLES = 3
"""Cells of each column that the preview shows."""
_LONG_TEXT = 120
_LONGEST_ADDRESS = 500
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL = re.compile(r"https?://\S+", re.IGNORECASE)
_IMAGE = re.compile(r"https?://\S+\.(jpe?g|png|webp|gif)(\?\S*)?", re.IGNORECASE)
_CURRENCY = re.compile(r"EUR|USD|GBP|CHF|SEK|NOK|DKK|PLN|CZK|HUF|CAD|AUD|JPY|INR")
_LOOKS = ((EMAIL, _EMAIL), ("photo_url", _IMAGE), ("profile_url", _URL), ("currency", _CURRENCY))


@dataclass(frozen=True, slots=True)
class HeaderRow:
    """The names of the columns, and what they fill."""

    line: int
    names: tuple[str, ...]
    fields: tuple[str, ...]
    """Field of each column, "" for one that is not read."""
    samples: tuple[tuple[str, ...], ...]
    """The first cells of each column that are not empty."""

    @property
    def unknown(self) -> tuple[str, ...]:
        """The columns that are not read."""
        return tuple(
            name.strip() or _("column %(number)s, without a name") % {"number": number}
            for number, (name, field) in enumerate(zip(self.names, self.fields, strict=True), 1)
            if not field
        )


class ColumnsUnknown(ImportFailed):
    """The file can be read, but nothing in it says who the experts are: somebody has to say which column does."""

    def __init__(self, sentence: str, header: HeaderRow, file_format: Format) -> None:
        super().__init__(sentence)
        self.header = header
        self.format = file_format


def known_columns(cells: Sequence[Cell]) -> int:
    """How many columns a row names, if it is the header: twice as many where they have our own names."""
    return sum(2 if field_of(str(cell)) else 1 for cell in cells if likely_field_of(str(cell)))


def read_header(first: Sequence[SourceRow], line: int = 0, fields: Sequence[str] = ()) -> HeaderRow:
    """The header among the `first` rows of a file: the row at `line` or, for 0, the one that names most columns.

    With `fields`, these are what the columns fill, in their order. Raises ImportFailed for a file without rows, and
    for a field that two columns fill by name.
    """
    rows = [row for row in first if not is_blank(row.cells)]
    if not rows:
        raise ImportFailed(_("The file is empty: it has no header and no experts."))
    chosen = next((row for row in rows if row.line == line), None)
    if line and chosen is None:
        raise ImportFailed(_("Line %(line)s is empty or too far down to name the columns.") % {"line": line})
    row = chosen or max(rows, key=lambda each: known_columns(each.cells))
    names = tuple(str(cell).strip() for cell in row.cells)
    samples = _samples(names, [each for each in rows if each.line > row.line])
    return HeaderRow(row.line, names, _fields(names, samples, fields), samples)


def check_header(header: HeaderRow, file_format: Format) -> None:
    """Raises ColumnsUnknown if no column says who the experts are, not even by an e-mail address or a name."""
    if not {"username", EMAIL, FULL_NAME, "last_name"}.intersection(header.fields):
        raise ColumnsUnknown(
            _(
                "Line %(line)s has no column “Username”, and none with names or e-mail addresses. It is read as the"
                " column names, and is “%(columns)s”. Known columns: %(known)s."
            )
            % {"line": header.line, "columns": shorten(", ".join(header.names)), "known": ", ".join(COLUMNS)},
            header,
            file_format,
        )


def _fields(names: Sequence[str], samples: Sequence[Sequence[str]], chosen: Sequence[str]) -> tuple[str, ...]:
    if chosen:
        fields = [chosen[number] if number < len(chosen) else "" for number in range(len(names))]
        _check_once(fields)
        return tuple(field if field in HEADINGS else "" for field in fields)
    fields = [field_of(name) or "" for name in names]
    _check_once(fields)
    for number, name in enumerate(names):
        likely = likely_field_of(name)
        if not fields[number] and likely and likely not in fields:
            fields[number] = likely
    for number, cells in enumerate(samples):
        if not fields[number] and (likely := _by_looks(cells)) and likely not in fields:
            fields[number] = likely
    return tuple(fields)


def _check_once(fields: Sequence[str]) -> None:
    if twice := next((name for name in fields if name and fields.count(name) > 1), None):
        raise ImportFailed(
            _("The column “%(column)s” appears twice. Remove or rename one of the two.") % {"column": HEADINGS[twice]}
        )


def _by_looks(cells: Sequence[str]) -> str:
    """The field whose values look like all of these cells; "" if none does."""
    if not cells:
        return ""
    for field, pattern in _LOOKS if max(map(len, cells)) <= _LONGEST_ADDRESS else ():
        if all(pattern.fullmatch(cell) for cell in cells):
            return field
    return "bio" if all(len(cell) > _LONG_TEXT for cell in cells) else ""


def _samples(names: Sequence[str], rows: Sequence[SourceRow]) -> tuple[tuple[str, ...], ...]:
    columns = []
    for number in range(len(names)):
        cells = (str(row.cells[number]).strip() for row in rows if number < len(row.cells))
        columns.append(tuple([cell for cell in cells if cell][:SAMPLES]))
    return tuple(columns)
