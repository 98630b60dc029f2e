"""Spreadsheets: Excel and OpenDocument, and those that are made to do harm."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from experts.importing import archives
from experts.importing.errors import ImportFailed
from experts.importing.options import ImportOptions
from experts.importing.plan import ImportPlan, make_plan
from tests.support.imports import plan_of
from tests.support.spreadsheets import Rows, excel, opendocument, packed

pytestmark = pytest.mark.django_db

PEOPLE: Rows = [
    ["List of experts", None],
    [],
    ["Username", "First Name", "Hourly Rate", "Created At", "Bio"],
    ["ann", "Zoë", 1.25, datetime(2024, 5, 31, 14, 30), "a\nb"],
    [1234, "Ben", 1250, date(2024, 5, 31), None],
    [],
    ["cid", "#N/A", "1.250", 45443, "x"],
]


KINDS = [pytest.param("xlsx", excel, id="xlsx"), pytest.param("ods", opendocument, id="ods")]


@pytest.mark.parametrize(("kind", "write"), KINDS)
def test_a_spreadsheet_is_read_with_its_numbers_and_dates(kind: str, write: Any) -> None:
    plan = plan_of(write(("Notes", []), ("People", PEOPLE)))
    assert (plan.table.format.kind, plan.table.format.sheet) == (kind, "People")
    assert (plan.table.format.sheets, plan.table.header.line) == (("Notes", "People"), 3)
    ann, ben = plan.new
    assert (ann.first_name, ann.hourly_rate, ann.bio) == ("Zoë", Decimal("1.25"), "a\nb")
    assert ann.created_at == datetime(2024, 5, 31, 14, 30, tzinfo=UTC)
    assert (ben.username, ben.hourly_rate, ben.bio) == ("1234", Decimal(1250), "")
    assert [(each.line, each.field, each.asks) for each in plan.rejected] == [
        (7, "First Name", False),
        (7, "Hourly Rate", True),
    ]


@pytest.mark.parametrize(("kind", "write"), KINDS)
def test_the_sheet_can_be_chosen(kind: str, write: Any) -> None:
    data = write(("A", [["Username"], ["ann"]]), ("B", [["Username"], ["ben"]]))
    assert [each.username for each in plan_of(data).new] == ["ann"]
    assert [each.username for each in plan_of(data, sheet="B").new] == ["ben"]
    with pytest.raises(ImportFailed, match="no sheet “C”"):
        plan_of(data, sheet="C")


def test_rows_are_kept_so_that_the_sheet_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = excel(("A", [["Username"], ["ann"]]), ("B", [["Username"], ["ben"]]))
    kept = tmp_path / "upload.rows"

    def plan(sheet: str) -> ImportPlan:
        return make_plan(io.BytesIO(data), ImportOptions(sheet=sheet), rows_file=kept)

    first = plan("")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert [each.username for each in plan("B").new] == ["ben"]
    monkeypatch.setattr(archives.zipfile, "ZipFile", lambda *_: pytest.fail("It was read again."))
    assert [each.username for each in plan("B").new] == ["ben"]
    assert [each.username for each in first.new] == ["ann"]


def test_too_many_rows_are_refused_as_in_a_csv_file(settings: Any) -> None:
    settings.TCS_IMPORT_MAX_ROWS = 2
    with pytest.raises(ImportFailed, match="more than 2 experts"):
        plan_of(excel(("A", [["Username"], *([f"u{n}"] for n in range(40))])))


def test_a_sheet_that_unpacks_to_much_more_is_refused(settings: Any) -> None:
    settings.TCS_IMPORT_MAX_MB = 1
    bomb = packed({"xl/workbook.xml": "", "xl/worksheets/sheet1.xml": b" " * (11 * 2**20)})
    assert len(bomb) < 2**20
    with pytest.raises(ImportFailed, match="too large when unpacked; the limit is 10 MB"):
        plan_of(bomb)
    settings.TCS_IMPORT_MAX_MB = 100
    with pytest.raises(ImportFailed, match="too large when unpacked"):
        plan_of(packed({"xl/workbook.xml": "", "xl/styles.xml": b" " * (11 * 2**20)}))


ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "data",
    [
        opendocument(("A", [["Username"], ["ann"]]), extra=ENTITIES),
        packed({"xl/workbook.xml": f"<?xml version='1.0'?>{ENTITIES}<workbook>&b;</workbook>"}),
        packed({"xl/workbook.xml": "<not closed"}),
        packed({"content.xml": "<not closed"}),
        excel(("A", [["Username"], ["ann"]]))[:-200],
    ],
)
def test_damaged_sheets_and_those_with_entities_are_refused(data: bytes) -> None:
    with pytest.raises(ImportFailed, match="damaged or cannot be read"):
        plan_of(data)


def test_an_archive_of_something_else_is_explained() -> None:
    with pytest.raises(ImportFailed, match="ZIP file, not a spreadsheet"):
        plan_of(packed({"people.csv": "Username\nann\n"}))


def test_cells_and_rows_that_are_repeated_do_not_fill_the_memory() -> None:
    rows = (
        '<table:table-row><table:table-cell office:value-type="string"><text:p>Username</text:p></table:table-cell>'
    )
    rows += '<table:table-cell table:number-columns-repeated="16383"/></table:table-row>'
    rows += '<table:table-row><table:table-cell office:value-type="string"><text:p>ann</text:p></table:table-cell>'
    rows += '</table:table-row><table:table-row table:number-rows-repeated="1048574"><table:table-cell/>'
    rows += "</table:table-row>"
    data = opendocument(("A", []))
    content = zipfile.ZipFile(io.BytesIO(data)).read("content.xml").decode()
    plan = plan_of(packed({"content.xml": content.replace("</table:table>", f"{rows}</table:table>")}))
    assert [each.username for each in plan.new] == ["ann"]


def test_white_space_in_cells_of_opendocument_is_written_with_elements() -> None:
    data = opendocument(("A", [["Username", "Bio"], ["ann", "BIO"]]))
    content = zipfile.ZipFile(io.BytesIO(data)).read("content.xml").decode()
    bio = "a<text:s/>b<text:s text:c='3'/>c<text:s text:c='x'/>d<text:s text:c='99999'/>"
    bio += "e<text:tab/>f<text:line-break/>g"
    plan = plan_of(packed({"content.xml": content.replace("BIO", bio)}))
    assert plan.new[0].bio == "a b   c d e\tf\ng"
