"""Reads sheets of OpenDocument spreadsheets (.ods) row by row.

The libraries for them build the whole document in memory: gigabytes for a hundred thousand rows.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from itertools import repeat
from typing import IO
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import iterparse

from experts.importing.source_rows import Cell, SourceRow

MAX_COLUMNS = 1_000
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_CELLS = (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")
_NUMBERS = ("float", "currency", "percentage")
_NOT_IN_THE_CELL = (f"{_OFFICE}annotation",)


def sheet_names(archive: zipfile.ZipFile) -> list[str]:
    with archive.open("content.xml") as content:
        return [name for name, _row in _rows(content, None)]


def sheet_rows(archive: zipfile.ZipFile, sheet: str, most: int) -> Iterator[SourceRow]:
    """The rows of the sheet that are not empty; a row that is repeated comes as often, at most `most` times."""
    line = 1
    with archive.open("content.xml") as content:
        for _name, row in _rows(content, sheet):
            assert row is not None  # noqa: S101  only names come without rows
            cells, times = _cells(row), _times(row, "rows")
            if cells:
                for offset in range(min(times, most)):
                    yield SourceRow(line + offset, list(cells))
            line += times


def _rows(content: IO[bytes], wanted: str | None) -> Iterator[tuple[str, Element | None]]:
    """The rows of the sheet `wanted`; without one, the name of each sheet, without rows."""
    name, depth = "", 0
    parents: list[Element] = []
    for event, element in iterparse(content, events=("start", "end"), forbid_dtd=True):
        if event == "start":
            parents.append(element)
            if element.tag == f"{_TABLE}table":
                depth += 1
                if depth == 1:
                    name = element.get(f"{_TABLE}name", "")
                    if wanted is None:
                        yield name, None
            continue
        parents.pop()
        if element.tag == f"{_TABLE}table":
            depth -= 1
            if depth == 0 and name == wanted:
                return
        elif element.tag == f"{_TABLE}table-row" and depth == 1:
            if name == wanted:
                yield name, element
            parents[-1].remove(element)


def _cells(row: Element) -> list[Cell]:
    cells: list[Cell] = []
    for cell in row:
        if cell.tag in _CELLS:
            times = min(_times(cell, "columns"), MAX_COLUMNS - len(cells))
            cells.extend(repeat(_value(cell), times))
    while cells and cells[-1] == "":
        cells.pop()
    return cells


def _times(element: Element, what: str) -> int:
    stated = element.get(f"{_TABLE}number-{what}-repeated", "1")
    return max(1, int(stated)) if stated.isascii() and stated.isdecimal() and len(stated) < 9 else 1


def _value(cell: Element) -> Cell:
    kind = cell.get(f"{_OFFICE}value-type", "")
    if kind in _NUMBERS:
        number = float(cell.get(f"{_OFFICE}value", ""))
        return int(number) if number.is_integer() else number
    if kind == "date":
        return cell.get(f"{_OFFICE}date-value", "")
    paragraphs = (child for child in cell if child.tag == f"{_TEXT}p")
    return "\n".join("".join(_texts(paragraph)) for paragraph in paragraphs)


def _texts(element: Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag == f"{_TEXT}s":
            yield " " * min(_spaces(child), 1_000)
        elif child.tag == f"{_TEXT}tab":
            yield "\t"
        elif child.tag == f"{_TEXT}line-break":
            yield "\n"
        elif child.tag not in _NOT_IN_THE_CELL:
            yield from _texts(child)
        yield child.tail or ""


def _spaces(element: Element) -> int:
    stated = element.get(f"{_TEXT}c", "1")
    return int(stated) if stated.isdecimal() and len(stated) < 5 else 1
