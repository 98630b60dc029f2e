"""Spreadsheets at their limits: what is unpacked, how far a sheet is read, what belongs to a cell."""

from __future__ import annotations

import errno
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from experts.importing import archives, sheets
from experts.importing.archives import open_archive
from experts.importing.errors import ImportFailed
from experts.importing.opendocument import MAX_COLUMNS, sheet_rows
from experts.importing.sheets import SheetSource
from experts.importing.source_rows import SourceRow
from tests.support.imports import plan_of
from tests.support.spreadsheets import excel, opendocument, packed


@pytest.mark.parametrize(
    ("limit", "largest"), [("MAX_PARTS", 2), ("MAX_OTHER_PART", 3 * 2**20), ("UNPACKED_PER_MB", 4)]
)
def test_an_archive_of_exactly_the_limit_is_read(
    limit: str, largest: int, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TCS_IMPORT_MAX_MB = 2
    data = packed({"content.xml": b" " * (5 * 2**20), "styles.xml": b" " * (3 * 2**20)})
    monkeypatch.setattr(archives, limit, largest)
    assert len(open_archive(io.BytesIO(data)).infolist()) == 2
    monkeypatch.setattr(archives, limit, largest - 1)
    with pytest.raises(ImportFailed, match="too large when unpacked"):
        open_archive(io.BytesIO(data))


def rows_of(content: str, most: int = 10) -> list[SourceRow]:
    """The rows of a sheet of OpenDocument with this content."""
    data = zipfile.ZipFile(io.BytesIO(opendocument(("A", [])))).read("content.xml").decode()
    archive = packed({"content.xml": data.replace("</table:table>", f"{content}</table:table>")})
    return list(sheet_rows(zipfile.ZipFile(io.BytesIO(archive)), "A", most))


def cell(text: str, times: str = "1") -> str:
    return f'<table:table-cell table:number-columns-repeated="{times}"><text:p>{text}</text:p></table:table-cell>'


def test_each_repetition_of_a_row_has_its_line() -> None:
    rows = rows_of(f'<table:table-row table:number-rows-repeated="3">{cell("x")}</table:table-row>')
    assert [row.line for row in rows] == [1, 2, 3]


@pytest.mark.parametrize(
    ("times", "cells"),
    [("3", 3), ("00000003", 3), ("000000003", 1), ("x", 1), ("٣", 1), ("0", 1), ("99999999", MAX_COLUMNS)],
)
def test_a_cell_is_repeated_as_often_as_it_says_within_reason(times: str, cells: int) -> None:
    (row,) = rows_of(f"<table:table-row>{cell('x', times)}</table:table-row>")
    assert row.cells == ["x"] * cells


def test_a_row_has_no_more_cells_than_a_sheet_has_columns() -> None:
    (row,) = rows_of(f"<table:table-row>{cell('x', '900')}{cell('y', '900')}</table:table-row>")
    assert row.cells == ["x"] * 900 + ["y"] * (MAX_COLUMNS - 900)


def test_a_table_in_a_cell_is_not_the_sheet() -> None:
    inner = f'<table:table table:name="A"><table:table-row>{cell("inner")}</table:table-row></table:table>'
    between = f"<table:table-row><table:table-cell>{inner}<text:p>b</text:p></table:table-cell></table:table-row>"
    outer = [f"<table:table-row>{cell(text)}</table:table-row>" for text in "ac"]
    data = zipfile.ZipFile(io.BytesIO(opendocument(("A", []), ("A", [["of another sheet"]])))).read("content.xml")
    content = data.decode().replace("</table:table>", f"{outer[0]}{between}{outer[1]}</table:table>", 1)
    rows = sheet_rows(zipfile.ZipFile(io.BytesIO(packed({"content.xml": content}))), "A", 10)
    assert [row.cells for row in rows] == [["a"], ["b"], ["c"]]


def test_parts_of_a_text_belong_to_the_cell_but_not_notes_on_it() -> None:
    note = "<office:annotation><text:p>a note</text:p></office:annotation>"
    (row,) = rows_of(f"<table:table-row>{cell(f'a<text:span>b</text:span>c{note}d')}</table:table-row>")
    assert row.cells == ["abcd"]


def test_a_document_type_is_refused_in_a_spreadsheet() -> None:
    with pytest.raises(ImportFailed, match="damaged"):
        plan_of(opendocument(("A", [["Username"], ["ann"]]), extra="<!DOCTYPE x>"))


@pytest.mark.django_db
def test_too_many_rows_are_noticed_below_a_header_that_is_far_down(settings: Any) -> None:
    settings.TCS_IMPORT_MAX_ROWS = 2
    above: list[list[object]] = [[f"line {number}"] for number in range(19)]
    with pytest.raises(ImportFailed, match="more than 2 experts"):
        plan_of(excel(("A", [*above, ["Username", "Bio"], *([f"u{n}", "x"] for n in range(3))])))
    assert len(plan_of(excel(("A", [*above, ["Username", "Bio"], ["ann", "x"], ["ben", "x"]]))).new) == 2
    content = f"<table:table-row>{cell('Username')}</table:table-row>"
    content += f'<table:table-row table:number-rows-repeated="9">{cell("ann")}</table:table-row>'
    data = zipfile.ZipFile(io.BytesIO(opendocument(("A", [])))).read("content.xml").decode()
    with pytest.raises(ImportFailed, match="more than 2 experts"):
        plan_of(packed({"content.xml": data.replace("</table:table>", f"{content}</table:table>")}))


def test_what_is_kept_of_a_sheet_is_on_the_disk_at_once(tmp_path: Path) -> None:
    data = excel(("A", [["Username"], ["ann"]]))
    source = SheetSource.open(io.BytesIO(data), "", tmp_path / "upload.rows")
    assert len((tmp_path / "upload.rows").read_text().splitlines()) == 3
    assert len(list(source.rows())) == 2


def test_a_full_disk_is_not_taken_for_a_damaged_spreadsheet(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sheets.tempfile, "TemporaryFile", full)
    with pytest.raises(OSError, match="No space left"):
        SheetSource.open(io.BytesIO(excel(("A", [["Username"]]))), "", None)
