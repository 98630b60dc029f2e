"""Reads sheets of Excel workbooks (.xlsx) row by row.

openpyxl reads what is small: names of sheets, and which formats are dates. It makes several objects of each cell,
which takes most of a large import; what is large is parsed here. Libraries that are faster hold a sheet in memory as
wide and long as its last cell says, whatever is in it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from functools import lru_cache
from typing import IO, Any, Generic, TypeVar
from xml.parsers.expat import ParserCreate

from defusedxml import DTDForbidden
from openpyxl.reader.excel import ExcelReader
from openpyxl.utils import column_index_from_string
from openpyxl.utils.datetime import from_excel, from_ISO8601
from openpyxl.utils.escape import unescape
from openpyxl.xml.constants import SHARED_STRINGS

from experts.importing.opendocument import MAX_COLUMNS
from experts.importing.source_rows import Cell, SourceRow

LAST_ROW = 2**20
"""Excel's last row; what comes after it is not read."""
_AT_A_TIME = 2**16
"""Bytes."""
_NAMESPACES = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
_ELEMENTS = {f"{space} {name}": name for space in _NAMESPACES for name in ("row", "c", "v", "t", "si", "rPh")}
Item = TypeVar("Item")
_column = lru_cache(maxsize=2_000)(column_index_from_string)


class Workbook(ExcelReader):
    """A workbook, of which each sheet is parsed when its rows are read."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        """Raises what openpyxl and its parsers raise for a damaged file."""
        assert archive.fp is not None  # noqa: S101  it was just opened
        archive.fp.seek(0)
        super().__init__(archive.fp, read_only=True, data_only=True, keep_links=False)
        self.paths: dict[str, str] = {}
        """Name of a sheet -> its part of the archive."""
        self.read()

    def read_strings(self) -> None:
        part: Any = self.package.find(SHARED_STRINGS)
        if part is not None:
            with self.archive.open(part.PartName[1:]) as source:
                self.shared_strings = list(_parsed(source, _Texts()))

    def read_worksheets(self) -> None:
        for sheet, relation in self.parser.find_sheets():
            if relation.target in self.valid_files:
                self.paths[sheet.name] = relation.target

    def rows(self, sheet: str) -> Iterator[SourceRow]:
        with self.archive.open(self.paths[sheet]) as source:
            yield from _parsed(source, _Rows(self))


class _Handler(Generic[Item]):
    """Collects items while a part is parsed."""

    def __init__(self) -> None:
        self.found: list[Item] = []
        self.ended = False
        self.collect: Callable[[Callable[[str], object] | None], None]
        """Has the text that follows sent to a function, or to none."""

    def start(self, name: str, attributes: dict[str, str]) -> None: ...

    def end(self, name: str) -> None: ...


def _parsed(source: IO[bytes], handler: _Handler[Item]) -> Iterator[Item]:
    """What the handler finds, a piece of the part at a time."""
    parser = ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end

    def collect(function: Callable[[str], object] | None) -> None:
        parser.CharacterDataHandler = function

    handler.collect = collect
    while not handler.ended and (data := source.read(_AT_A_TIME)):
        parser.Parse(data)
        yield from handler.found
        handler.found.clear()
    if not handler.ended:
        parser.Parse(b"", True)
        yield from handler.found


def _refuse(name: str, system: str | None, public: str | None, subset: int) -> None:
    raise DTDForbidden(name, system, public)


class _Texts(_Handler[str]):
    """The texts that cells refer to by number."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[str] = []
        self._phonetic = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        element = _ELEMENTS.get(name)
        if element == "t":
            if not self._phonetic:
                self.collect(self._parts.append)
        elif element == "si":
            self._parts.clear()
        elif element == "rPh":
            self._phonetic = True

    def end(self, name: str) -> None:
        element = _ELEMENTS.get(name)
        if element == "t":
            self.collect(None)
        elif element == "si":
            self.found.append(_unescaped("".join(self._parts)))
        elif element == "rPh":
            self._phonetic = False


class _Rows(_Handler[SourceRow]):
    """The rows of a sheet that have cells with values."""

    def __init__(self, workbook: Workbook) -> None:
        super().__init__()
        self._texts: list[str] = workbook.shared_strings
        book: Any = workbook.wb  # whose types do not declare the formats
        self._epoch: datetime = book.epoch
        self._dates: set[int] = book._date_formats
        self._durations: set[int] = book._timedelta_formats
        self._line = self._before = 0
        self._cells: list[Cell] = []
        self._column = 0
        self._kind = "n"
        self._style = ""
        self._parts: list[str] = []
        self._phonetic = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        element = _ELEMENTS.get(name)
        if element == "c":
            self._kind = attributes.get("t", "n")
            self._style = attributes.get("s", "")
            reference = attributes.get("r")
            self._column = _column(reference.rstrip("0123456789")) if reference else self._column + 1
            if self._parts:
                self._parts.clear()
        elif element == "v":
            if self._kind != "inlineStr":
                self.collect(self._parts.append)
        elif element == "t":
            if self._kind == "inlineStr" and not self._phonetic:
                self.collect(self._parts.append)
        elif element == "row":
            stated = attributes.get("r")
            self._line = int(float(stated)) if stated else self._line + 1
            self._column, self._cells = 0, []
        elif element == "rPh":
            self._phonetic = True

    def end(self, name: str) -> None:
        element = _ELEMENTS.get(name)
        if element == "c":
            if self._parts and self._column <= MAX_COLUMNS:
                missing = self._column - len(self._cells)
                if missing > 0:
                    self._cells.extend([""] * missing)
                self._cells[self._column - 1] = self._value("".join(self._parts))
        elif element in ("v", "t"):
            self.collect(None)
        elif element == "row":
            if self._line > LAST_ROW:
                self.ended = True
            elif self._cells and self._line > self._before and not self.ended:
                self._before = self._line
                self.found.append(SourceRow(self._line, self._cells))
        elif element == "rPh":
            self._phonetic = False

    def _value(self, text: str) -> Cell:
        """Raises ValueError, LookupError and OverflowError for what is not of the kind that the cell states."""
        kind = self._kind
        if kind == "s":
            return self._texts[int(text)]
        if kind == "n":
            return self._number(text)
        if kind == "b":
            return str(bool(int(text)))
        if kind == "d":
            return _plain(from_ISO8601(text))
        return _unescaped(text)

    def _number(self, text: str) -> Cell:
        number = float(text) if "." in text or "E" in text or "e" in text else int(text)
        if self._style and (style := int(self._style)) in self._dates:
            try:
                return _plain(from_excel(number, self._epoch, timedelta=style in self._durations))
            except (OverflowError, ValueError):
                return "#VALUE!"
        return int(number) if isinstance(number, float) and number.is_integer() else number


def _unescaped(text: str) -> str:
    """`text` with the characters that XML does not allow, which Excel writes as _x000D_; half a pair becomes �."""
    if "_x" not in text:
        return text
    return unescape(text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _plain(value: object) -> str:
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date | time) else str(value)
