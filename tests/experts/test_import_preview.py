"""What the preview says of how a file is read, what is chosen there, and what uploads leave behind."""

from __future__ import annotations

import os

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict

from experts.importing import stored_uploads
from experts.importing.headers import read_header
from experts.importing.options import ImportOptions
from experts.importing.preview import preview_context
from experts.importing.reading_form import ReadingForm
from experts.importing.received import FileInPlace, ReceivedBody
from experts.importing.source_rows import Format, SourceRow
from experts.importing.uploads import PendingImport
from tests.support.imports import plan_of


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("cells", "decimal", "notices"),
    [
        (["95,50", "95.50"], ",", ["Numbers are read with a decimal comma."]),
        (["95", "96"], ",", []),
        (["1.250"], "", ["The file does not say whether its decimal mark is a point or a comma: choose one below."]),
        (
            ["1.250", "95.50"],
            "",
            [
                "Numbers are read with a decimal point.",
                "1 number could be read in two ways without the others: “1.250”.",
            ],
        ),
    ],
)
def test_the_preview_says_how_numbers_are_read(cells: list[str], decimal: str, notices: list[str]) -> None:
    plan = plan_of(
        "Username;Hourly Rate\n" + "".join(f"u{n};{cell}\n" for n, cell in enumerate(cells)), decimal=decimal
    )
    pending = PendingImport("x", None, "people.csv", False, ImportOptions())
    assert [
        each for each in preview_context(pending, plan)["notices"] if "umber" in each or "decimal" in each
    ] == notices


@pytest.mark.django_db
@pytest.mark.parametrize(("cell", "said"), [("03/04/2024", True), ("2024-05-31", False)])
def test_the_preview_says_how_dates_are_read(cell: str, said: bool) -> None:
    plan = plan_of(f"Username;Created At\nann;{cell}\n")
    pending = PendingImport("x", None, "people.csv", False, ImportOptions())
    sentence = "Dates such as “03/04/2024” are read with the day first."
    assert (sentence in preview_context(pending, plan)["notices"]) is said


def test_the_form_for_a_sheet_needs_no_sheet_and_shows_as_many_columns_as_a_form_takes() -> None:
    names = ["Username", *(f"x{number}" for number in range(1_000))]
    header = read_header([SourceRow(1, list(names)), SourceRow(2, ["ann"])])
    form = ReadingForm(Format("xlsx", sheet="A", sheets=("A", "B")), header, QueryDict(), ImportOptions())
    assert form.is_valid()
    assert [form.columns[0].name, len(form.columns)] == ["Username", 900]


@pytest.mark.parametrize(
    ("changed", "columns", "line"),
    [
        ({}, ("bio",), 1),
        ({"column-0": "company"}, ("company",), 1),
        ({"encoding": "cp850"}, (), 0),
        ({"delimiter": ";"}, (), 0),
        ({"header_line": "2"}, (), 2),
        ({"encoding": "cp850", "header_line": "2"}, (), 2),
    ],
)
def test_what_is_read_in_another_way_has_columns_of_its_own(
    changed: dict[str, str], columns: tuple[str, ...], line: int
) -> None:
    header = read_header([SourceRow(1, ["Username"]), SourceRow(2, ["ann"])])
    data = QueryDict(mutable=True)
    data.update({"encoding": "cp1252", "delimiter": ",", "header_line": "1", "column-0": "username"} | changed)
    form = ReadingForm(Format("csv", "cp1252", ","), header, data, ImportOptions(columns=("bio",)))
    assert form.is_valid(), form.errors
    assert (form.options().columns, form.options().header_line) == (columns, line)


def test_what_a_program_uploaded_and_forgot_is_deleted_with_the_next_upload() -> None:
    first, second = (
        stored_uploads.store(SimpleUploadedFile("a.csv", b"Username\nann\n"), 1, "a.csv", ImportOptions())
        for _time in range(2)
    )
    assert stored_uploads.find(first.token, 1) == first
    for path in first.path.parent.glob(f"{first.token}.*"):
        os.utime(path, (0, 0))
    third = stored_uploads.store(SimpleUploadedFile("a.csv", b"Username\n"), 1, "a.csv", ImportOptions())
    found = [stored_uploads.find(each.token, 1) for each in (first, second, third)]
    assert found == [None, second, third]


def test_a_file_that_was_received_in_its_place_is_moved_not_copied() -> None:
    body = ReceivedBody()
    body.write(b"Username\nann\n--end of the form")
    upload = stored_uploads.store(
        FileInPlace(body, body.reader(), name="a.csv", size=13), 1, "a.csv", ImportOptions()
    )
    assert upload.path.read_bytes() == b"Username\nann\n"
    assert not body.path.exists()
