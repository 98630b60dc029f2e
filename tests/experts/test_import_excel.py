"""Cells of Excel sheets, as spreadsheets and other programs write them."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from openpyxl.xml.constants import SHARED_STRINGS

from experts.importing.errors import ImportFailed
from experts.importing.excel import Workbook
from experts.importing.source_rows import Cell
from tests.support.imports import plan_of
from tests.support.spreadsheets import excel, packed

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
SHEET = "xl/worksheets/sheet1.xml"
TEXTS = "xl/sharedStrings.xml"
TYPES = "[Content_Types].xml"


def rows_of(data: bytes) -> list[tuple[int, list[Cell]]]:
    book = Workbook(zipfile.ZipFile(io.BytesIO(data)))
    return [(row.line, row.cells) for row in book.rows(next(iter(book.paths)))]


def with_sheet(rows: str, *, texts: str = "", space: str = MAIN, start: str = "") -> bytes:
    """A workbook with these rows of XML, and these texts that cells refer to."""
    with zipfile.ZipFile(io.BytesIO(excel(("A", [["x", date(2024, 5, 31)]])))) as archive:
        parts: dict[str, Any] = {name: archive.read(name) for name in archive.namelist()}
    parts[SHEET] = f'{start}<worksheet xmlns="{space}"><sheetData>{rows}</sheetData></worksheet>'
    override = f'<Override PartName="/{TEXTS}" ContentType="{SHARED_STRINGS}"/></Types>'
    parts[TYPES] = parts[TYPES].decode().replace("</Types>", override)
    parts[TEXTS] = f'<sst xmlns="{MAIN}">{texts}</sst>'
    return packed(parts)


def test_each_kind_of_cell_is_read() -> None:
    cells = ["a\nb", 1250, 1.5, 2.0, True, "#N/A", "=1+1", None, datetime(2024, 5, 31, 14, 30), date(2024, 5, 31)]
    data = excel(("A", [[*cells, time(9, 5), timedelta(hours=30), -0.25, "Zoë & <Co>"]]))
    expected = ["a\nb", 1250, 1.5, 2, "True", "#N/A", "", "", "2024-05-31T14:30:00", "2024-05-31"]
    assert rows_of(data) == [(1, [*expected, "09:05:00", "1 day, 6:00:00", -0.25, "Zoë & <Co>"])]


def test_texts_lose_their_format_and_how_they_are_pronounced() -> None:
    rich = "<r><t>An</t></r><r><rPr><b/></rPr><t>n </t></r><rPh sb='0' eb='1'><t>アン</t></rPh>"
    rows = f"<row><c t='s'><v>1</v></c><c t='inlineStr'><is>{rich}</is></c><c t='s'><v>0</v></c></row>"
    data = with_sheet(rows, texts=f"<si><t>first</t></si><si>{rich}</si>")
    assert rows_of(data) == [(1, ["Ann ", "Ann ", "first"])]


def test_characters_that_xml_does_not_allow_are_read_as_excel_writes_them() -> None:
    rows = "<row><c t='s'><v>0</v></c><c t='inlineStr'><is><t>a_x005F_x000D_</t></is></c>"
    rows += "<c t='str'><v>_xD83D__xDE00_ _xD83D_ _x00e9_</v></c></row>"
    texts = "<si><t>one_x000D_\ntwo_x2_</t></si>"
    assert rows_of(with_sheet(rows, texts=texts)) == [(1, ["one\r\ntwo_x2_", "a_x000D_", "😀 � é"])]


@pytest.mark.parametrize("space", [MAIN, STRICT])
def test_cells_and_rows_may_say_where_they_are(space: str) -> None:
    rows = "<row><c><v>1</v></c><c r='D1'><v>4</v></c><c><v>5</v></c></row>"
    rows += "<row r='7'><c r='B7' t='str'><f>A1</f><v>seven</v></c><c r='XFD7'><v>9</v></c></row>"
    rows += "<row r='8'/><row r='2'><c><v>2</v></c></row><row r='9'/><row><c t='b'><v>0</v></c></row>"
    expected = [(1, [1, "", "", 4, 5]), (7, ["", "seven"]), (10, ["False"])]
    assert rows_of(with_sheet(rows, space=space)) == expected


def test_rows_after_the_last_one_of_excel_are_not_read() -> None:
    rows = "<row r='1048576'><c><v>1</v></c></row><row r='1048577'><c><v>2</v></c></row><row><c><v>3</v></c></row>"
    assert rows_of(with_sheet(rows)) == [(1_048_576, [1])]


def test_a_day_outside_the_calendar_is_an_error_of_the_spreadsheet() -> None:
    data = with_sheet("<row><c s='1'><v>45443</v></c><c s='1'><v>99999999</v></c></row>")
    assert rows_of(data) == [(1, ["2024-05-31", "#VALUE!"])]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rows", "start"),
    [
        ("<row><c t='s'><v>5</v></c></row>", ""),
        ("<row><c><v>many</v></c></row>", ""),
        ("<row><c r='ABCD1'><v>1</v></c></row>", ""),
        ("<row r='x'><c><v>1</v></c></row>", ""),
        ("<row><c><v>1</v></c>", ""),
        ("<row><c><v>&lol;</v></c></row>", "<!DOCTYPE x [<!ENTITY lol 'lol'>]>"),
        ("<row><c><v>1</v></c></row>", "<!DOCTYPE x>"),
    ],
    ids=["no such text", "no number", "no column", "no row", "cut off", "an entity", "a document type"],
)
def test_a_sheet_that_is_not_as_it_should_be_is_refused(rows: str, start: str) -> None:
    with pytest.raises(ImportFailed, match="damaged or cannot be read"):
        plan_of(with_sheet(rows, start=start))
