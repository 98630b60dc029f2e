"""A CSV file to rows of our columns: encoding, delimiter, header, shape. What a value means is `importing`'s."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

COLUMNS = {
    "Username": "username",
    "First Name": "first_name",
    "Last Name": "last_name",
    "Job Title": "job_title",
    "Company": "company",
    "Bio": "bio",
    "Hourly Rate": "hourly_rate",
    "Currency": "currency",
    "Profile URL": "profile_url",
    "Profile Image Url": "photo_url",
    "Category": "category",
    "Created At": "created_at",
}
"""The columns of a directory export, in its order, and the fields of `Expert` that they fill."""

HEADINGS = {field: column for column, field in COLUMNS.items()}

FORMULA = re.compile(r"'*[=+\-@\t\r\n\0＝＋－＠]")  # noqa: RUF001
"""What a spreadsheet would run: `'` before it makes it text. Cells with `'` and then this are marked once more,
so that taking one `'` away gives every value back."""

_DELIMITERS = (",", ";", "\t")  # spreadsheets write ";" where the comma is the decimal sign
_OTHER_FILES = (
    (b"PK\x03\x04", gettext_noop("Excel, OpenDocument or ZIP")),
    (b"\xd0\xcf\x11\xe0", "Excel"),
    (b"%PDF", "PDF"),
    (b"\x1f\x8b", "gzip"),
)


class ImportFailed(Exception):
    """The file as a whole cannot be imported. `str(error)` says what, where and the mend."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """One row that cannot be imported, and why."""

    line: int
    field: str
    value: str
    mend: str
    username: str = ""
    """As far as it could be read: a rejected expert is not a missing one."""

    def __str__(self) -> str:
        return _("line %(line)s, %(field)s, %(value)s: %(mend)s") % {
            "line": self.line,
            "field": self.field,
            "value": f"“{self.value}”" if self.value else _("empty"),
            "mend": self.mend,
        }


@dataclass(frozen=True, slots=True)
class Row:
    """One record. `line` is where it starts in the file, counted from 1; `cells` has one text per field."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A readable file: which fields it has, which columns nobody knows, and its rows, to be read once."""

    fields: tuple[str, ...]
    unknown: tuple[str, ...]
    rows: Iterator[Row | Rejection]


def mark_formula(value: str) -> str:
    """`value` as a cell that no spreadsheet runs."""
    return f"'{value}" if FORMULA.match(value) else value


def unmark_formula(value: str) -> str:
    """What `mark_formula` was given."""
    return value[1:] if value.startswith("'") and FORMULA.match(value) else value


def open_sheet(file: BinaryIO) -> Sheet:
    """Check `file` (seekable, at its start) as a whole and read its header; the rows come lazily.

    Raises ImportFailed for a file that is too large, empty, not UTF-8, not a CSV or without a username column;
    while the rows are read, for quotes that never close and for too many rows.
    """
    largest = settings.TCS_IMPORT_MAX_MB * 2**20
    _check_size(file, largest)
    _check_encoding(file)
    # Python's own limit of 131,072 characters a cell would stop the file; ours rejects the row that has it.
    csv.field_size_limit(largest)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    header, reader = _read_header(text)
    names = [_field(column) for column in header]
    fields = tuple(name for name in names if name)
    _check_header(header, fields)
    unknown = tuple(
        column.strip() or _("column %(number)s, without a name") % {"number": number}
        for number, (column, name) in enumerate(zip(header, names, strict=True), 1)
        if not name
    )
    return Sheet(fields, unknown, _rows(reader, names))


def shown(value: str, limit: int = 60) -> str:
    """`value` short enough for a message, with what cannot be printed made visible."""
    printable = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in value[: limit + 1])
    if len(value) <= limit:
        return printable
    return _("%(start)s… (%(length)s characters)") % {"start": printable[:limit], "length": len(value)}


def _check_size(file: BinaryIO, largest: int) -> None:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if size == 0:
        raise ImportFailed(_("The file is empty: it has no header and no experts."))
    if size > largest:
        raise ImportFailed(
            _("The file has %(size).1f MB, more than the %(limit)s MB allowed: split it, or raise TCS_IMPORT_MAX_MB.")
            % {"size": size / 2**20, "limit": settings.TCS_IMPORT_MAX_MB}
        )


def _check_encoding(file: BinaryIO) -> None:
    """Decode everything once, line by line, so that the wrong byte has a line and a place in the file."""
    start = file.read(4_096)
    file.seek(0)
    for signature, kind in _OTHER_FILES:
        if start.startswith(signature):
            wrong = _("This is a file of the kind %(kind)s, not a CSV: save it as “CSV UTF-8” first.")
            raise ImportFailed(wrong % {"kind": _(kind)})
    if start.startswith((b"\xff\xfe", b"\xfe\xff")) or start.count(b"\0") > len(start) // 4:
        raise ImportFailed(_("The file is encoded as UTF-16, from its byte 1 on: save it as “CSV UTF-8”."))
    position = 0
    for number, line in enumerate(file, 1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ImportFailed(
                _(
                    "The file is not UTF-8: byte %(position)s of the file, in line %(line)s, is 0x%(byte)02X"
                    " (after “%(before)s”). Save it as “CSV UTF-8”."
                )
                % {
                    "position": position + error.start + 1,
                    "line": number,
                    "byte": line[error.start],
                    "before": shown(line[max(0, error.start - 20) : error.start].decode("utf-8", "ignore")),
                }
            ) from None
        position += len(line)
    file.seek(0)


def _read_header(text: io.TextIOWrapper) -> tuple[list[str], CsvReader]:
    """The header under the delimiter that gives the most columns that we know, and the reader just behind it."""
    known = {delimiter: sum(map(bool, map(_field, _header(text, delimiter)[0]))) for delimiter in _DELIMITERS}
    return _header(text, max(known, key=lambda delimiter: known[delimiter]))


def _header(text: io.TextIOWrapper, delimiter: str) -> tuple[list[str], CsvReader]:
    text.seek(0)
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    try:
        header = next((cells for cells in reader if any(cell.strip() for cell in cells)), None)
    except csv.Error:
        header = []  # so it may well be under this delimiter; _check_header says what is missing
    if header is None:
        raise ImportFailed(_("The file is empty: it has no header and no experts."))
    return header, reader


def _check_header(header: list[str], fields: tuple[str, ...]) -> None:
    if "username" not in fields:
        raise ImportFailed(
            _(
                "This is not a CSV of experts: its first line has no column “Username”, but “%(columns)s”."
                " The first line names the columns: %(known)s."
            )
            % {"columns": shown(", ".join(header)), "known": ", ".join(COLUMNS)}
        )
    if twice := next((name for name in fields if fields.count(name) > 1), None):
        raise ImportFailed(
            _("The column “%(column)s” is there twice: remove or rename one.") % {"column": HEADINGS[twice]}
        )


def _field(column: str) -> str | None:
    """The field that a column fills: any case, `snake_case` or spaces; None for an unknown column."""
    return _FIELDS.get(_plain(column))


def _plain(column: str) -> str:
    return re.sub(r"[\s_]+", " ", column).strip().casefold()


_FIELDS = {_plain(name): field for column, field in COLUMNS.items() for name in (column, field)}


def _rows(reader: CsvReader, names: list[str | None]) -> Iterator[Row | Rejection]:
    count = 0
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ImportFailed(
                _(
                    "From line %(line)s on the file is no valid CSV (%(error)s): a cell with quotes in it is written"
                    " in quotes, and each quote in it twice."
                )
                % {"line": line, "error": error}
            ) from None
        if not any(cell.strip() for cell in cells):
            continue  # spreadsheets leave such rows at the end
        count += 1
        if count > settings.TCS_IMPORT_MAX_ROWS:
            raise ImportFailed(
                _("The file has more than %(limit)s experts: split it, or raise TCS_IMPORT_MAX_ROWS.")
                % {"limit": settings.TCS_IMPORT_MAX_ROWS}
            )
        values = {name: unmark_formula(cell.strip()) for name, cell in zip(names, cells, strict=False) if name}
        if len(cells) == len(names):
            yield Row(line, values)
        else:
            yield _misshapen(line, len(cells), len(names), values.get("username", ""))


def _misshapen(line: int, cells: int, columns: int, username: str) -> Rejection:
    mend = _("The header has %(columns)s columns: a cell with a delimiter or a line end in it is written in quotes.")
    value = _("%(cells)s cells") % {"cells": cells}
    return Rejection(line, _("row"), value, mend % {"columns": columns}, username)
