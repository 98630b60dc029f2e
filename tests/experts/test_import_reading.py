"""How a file is read, at the limits: its encoding, its archive, its header, its amounts."""

from __future__ import annotations

import csv
import errno
import io
import os
import zipfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict

from experts.identity import conflict_key, identity_key
from experts.importing import archives, sheets, stored_uploads
from experts.importing.amounts import decimal_mark, read_amount
from experts.importing.archives import open_archive
from experts.importing.columns import likely_field_of
from experts.importing.conventions import Conventions
from experts.importing.encodings import find_encoding
from experts.importing.errors import ImportFailed
from experts.importing.headers import read_header
from experts.importing.invalid import InvalidValue
from experts.importing.moments import first_of_two, read_moment
from experts.importing.opendocument import MAX_COLUMNS, sheet_rows
from experts.importing.options import ImportOptions
from experts.importing.preview import preview_context
from experts.importing.sheets import SheetSource
from experts.importing.reading_form import ReadingForm
from experts.importing.source_rows import Format, SourceRow
from experts.importing.tables import open_table
from experts.importing.text_files import LONGEST_LINE, named_delimiter
from experts.importing.uploads import PendingImport
from experts.models import Expert
from tests.support.imports import plan_of
from tests.support.spreadsheets import excel, opendocument, packed

BLOCK = 2**20
"""Bytes that are decoded at once."""


def encoding_of(data: bytes, chosen: str = "") -> str:
    return find_encoding(io.BytesIO(data), chosen)


@pytest.mark.parametrize(
    ("start", "kind"),
    [(b"%PDF-1.7\n", "PDF"), (b"\xd0\xcf\x11\xe0rest", "Excel before 2007"), (b"\x1f\x8b\x08\0", "gzip")],
)
def test_another_kind_of_file_is_named(start: bytes, kind: str) -> None:
    with pytest.raises(ImportFailed, match=f"another kind of file .{kind}"):
        encoding_of(start)


def test_a_character_may_lie_across_two_blocks_but_not_end_with_the_file() -> None:
    assert encoding_of(b"x" + "é".encode() * BLOCK) == "utf-8-sig"
    with pytest.raises(ImportFailed, match="not in UTF-8"):
        encoding_of(b"Zo\xc3", "utf-8-sig")


def test_the_place_of_a_wrong_byte_is_right_after_such_a_character() -> None:
    data = b"x" + "é".encode() * (BLOCK // 2)
    with pytest.raises(ImportFailed, match=rf"\(byte {len(data) + 1} of"):
        encoding_of(data + b"\xff", "utf-8-sig")


def test_damage_is_named_wherever_it_is_if_more_lines_are_good_than_bad() -> None:
    with pytest.raises(ImportFailed, match="Line 1 is not in UTF-8"):
        encoding_of(b"caf\xe9\n" + "zoë\n".encode() * 5)
    assert encoding_of(b"caf\xe9\n" + "zoë\n".encode()) == "cp1252"


def test_accents_stand_alone_in_three_of_four_places_of_a_western_text() -> None:
    assert encoding_of("naïéf café thé\n".encode("cp1252")) == "cp1252"
    greek = "Name\n" + "plain words before it " * 9 + "Νίκος Παπαδόπουλος\n"
    assert encoding_of(greek.encode("cp1253")) != "cp1252"


def test_an_encoding_that_fits_the_first_lines_decodes_all_of_them() -> None:
    data = "café au lait\n".encode("cp1252") * 6_000 + b"\x81\n"
    assert data.decode(encoding_of(data))
    assert encoding_of(data) != "cp1252"


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


@pytest.mark.parametrize(
    ("amounts", "decimal", "asks"),
    [
        ({"?": 1}, "", True),
        ({"?": 1}, ",", False),
        ({".": 1, ",": 1}, "", True),
        ({".": 1}, "", False),
        ({",": 1}, "", False),
        ({}, "", False),
    ],
)
def test_the_decimal_mark_is_asked_only_where_nothing_says_it(
    amounts: dict[str, int], decimal: str, asks: bool
) -> None:
    assert Conventions(decimal, amounts=Counter(amounts)).asks_for_decimal is asks


def test_an_amount_is_read_up_to_its_limit_in_digits_of_every_script() -> None:
    assert read_amount("120" + " " * 97).digits == "120"
    with pytest.raises(InvalidValue):
        read_amount("120" + " " * 98)
    assert read_amount("١٢٠٫٥").digits == "120,5"
    with pytest.raises(InvalidValue, match="negative"):
        read_amount("\u22125")
    assert (decimal_mark("125.000"), decimal_mark("1250.000")) == ("?", ".")


def test_a_column_is_known_by_its_meaning_up_to_a_hundred_characters() -> None:
    assert [likely_field_of("Name" + "." * more) for more in (96, 97)] == ["full_name", None]


@pytest.mark.django_db
def test_the_header_is_the_row_with_most_of_our_own_names() -> None:
    plan = plan_of("Name,Title\nUsername,Bio\nann,x\n")
    assert (plan.table.header.line, plan.table.fields) == (2, ("username", "bio"))


@pytest.mark.django_db
def test_of_two_columns_with_one_meaning_the_first_is_read() -> None:
    plan = plan_of("Username,Name,Full Name\nann,Ada Lane,Bob\n")
    assert plan.table.header.fields == ("username", "full_name", "")
    assert plan.table.unknown_columns == ("Full Name",)


def test_chosen_fields_may_be_fewer_than_the_columns_but_not_the_same_twice() -> None:
    rows = [SourceRow(1, ["a", "b", "c"])]
    assert read_header(rows, fields=["username", "bio"]).fields == ("username", "bio", "")
    with pytest.raises(ImportFailed, match="“Bio” appears twice"):
        read_header(rows, fields=["bio", "bio"])


@pytest.mark.parametrize(
    ("cells", "field"),
    [
        (["https://example.org/" + "x" * 480], "profile_url"),
        (["https://example.org/" + "x" * 481], "bio"),
        (["a " * 60], ""),
        (["a " * 60 + "b"], "bio"),
    ],
)
def test_a_column_is_known_by_its_looks_up_to_a_length(cells: list[str], field: str) -> None:
    assert read_header([SourceRow(1, ["Zzz"]), *(SourceRow(2, [cell]) for cell in cells)]).fields == (field,)


@pytest.mark.django_db
def test_names_and_places_are_made_from_one_cell_unless_the_row_has_them() -> None:
    plan = plan_of('Username,Full Name,Location\nann,"Berg, Ada van","Utrecht, Netherlands"\n')
    (ann,) = plan.new
    assert (ann.first_name, ann.last_name, ann.city, ann.country) == ("Ada", "van Berg", "Utrecht", "NL")
    assert plan_of('Username,Location\nann,"Utrecht, Netherlands"\n').new[0].city == "Utrecht"
    assert plan_of("Username,Full Name\nann,Ada Lane\n").new[0].last_name == "Lane"
    (ann,) = plan_of('Username,City,Location\nann,Delft,"Utrecht, Netherlands"\n').new
    assert (ann.city, ann.country) == ("Delft", "")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "first", "last"),
    [("Berg, van", "van", "Berg"), ("Berg, Ada Maria", "Ada Maria", "Berg"), ("Berg, Ada van den", "Ada", "van den Berg")],
)
def test_particles_behind_a_first_name_belong_to_the_last_name(name: str, first: str, last: str) -> None:
    (expert,) = plan_of(f'Username;Full Name\nann;"{name}"\n').new
    assert (expert.first_name, expert.last_name) == (first, last)


@pytest.mark.django_db
def test_a_username_is_made_of_the_full_name_where_the_others_are_empty() -> None:
    assert plan_of("First Name,Name\n,Zoë Ångström\n").new[0].username == "zoe-angstrom"


@pytest.mark.parametrize(
    ("cell", "first"),
    [
        ("31/05/2024", "day"),
        ("05/31/2024", "month"),
        ("13/12/2024", "day"),
        ("12/13/2024", "month"),
        ("12/11/2024", "?"),
        ("11/12/2024", "?"),
        ("31/31/2024", ""),
        ("03.04.2024", "day"),
        ("05/05/2024", "day"),
        ("2024-05-31", ""),
        ("31/05/2024" + " " * 85 + "10:00", "day"),
        ("31/05/2024" + " " * 86 + "10:00", ""),
    ],
)
def test_what_comes_first_in_a_date(cell: str, first: str) -> None:
    assert first_of_two(cell) == first


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("1900-01-01", datetime(1900, 1, 1)),
        ("2200-12-31", datetime(2200, 12, 31)),
        ("10000", datetime(1927, 5, 18)),
        ("2024-05-31 1:00 pm", datetime(2024, 5, 31, 13)),
        ("2024-05-31 10:00 +02", datetime(2024, 5, 31, 8)),
        ("2024-05-31 10:00 +05:59", datetime(2024, 5, 31, 4, 1)),
        ("31/05/2024" + " " * 85 + "10:00", datetime(2024, 5, 31, 10)),
    ],
)
def test_the_last_dates_that_are_read(cell: str, moment: datetime) -> None:
    assert read_moment(cell, month_first=False, zone=UTC) == moment.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("cell", "month_first", "says"),
    [
        ("31/05/2024" + " " * 86 + "10:00", False, "Use 2024-05-31"),
        ("2024-05-31 10:00 +05:60", False, "Use 2024-05-31"),
        ("1900-01-01 00:00 +01", False, "from 1900 to 2200"),
        ("2200-12-31 23:30 -01", False, "from 1900 to 2200"),
        ("31/05/2024", True, "choose “day first”"),
        ("05/31/2024", False, "choose “month first”"),
        ("05/31/2024 25:00", True, "Use 2024-05-31"),
        ("31/05/2024 25:00", False, "Use 2024-05-31"),
        ("soon", True, "Use 2024-05-31"),
    ],
)
def test_a_date_that_is_not_read_is_explained(cell: str, month_first: bool, says: str) -> None:
    with pytest.raises(InvalidValue, match=says):
        read_moment(cell, month_first=month_first, zone=UTC)


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


def test_a_document_type_is_refused_in_a_spreadsheet() -> None:
    with pytest.raises(ImportFailed, match="damaged"):
        plan_of(opendocument(("A", [["Username"], ["ann"]]), extra="<!DOCTYPE x>"))


@pytest.mark.django_db
def test_rows_without_an_expert_are_counted_once_however_often_they_are_read() -> None:
    table = open_table(io.BytesIO(b"Username,Bio\nann,x\n , \nUsername,Bio\nusername,x\n"), ImportOptions())
    for _time in range(2):
        assert len(list(table.rows())) == 2
        assert table.notices() == ["1 blank row was skipped.", "1 row repeats the header and was skipped."]


@pytest.mark.django_db
def test_an_apostrophe_that_keeps_a_formula_from_counting_is_removed() -> None:
    plan = plan_of("Username,Bio\nann,'=1+1\nben,'tis so\n")
    assert [each.bio for each in plan.new] == ["=1+1", "'tis so"]


@pytest.mark.django_db
def test_a_cell_of_any_length_is_refused_for_its_row_alone() -> None:
    csv.field_size_limit(131_072)  # as Python sets it
    plan = plan_of(f"Username,Bio\nann,{'x' * 140_000}\nben,y\n")
    assert ([each.username for each in plan.new], plan.rejected[0].line) == (["ben"], 2)


@pytest.mark.django_db
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-8"])
def test_a_byte_order_mark_is_not_part_of_a_name(encoding: str) -> None:
    table = plan_of("\ufeffUsername,Bio\nann,x\n".encode(encoding)).table
    assert (table.header.names, table.header.line) == (("Username", "Bio"), 1)


@pytest.mark.django_db
def test_lines_are_counted_from_the_one_that_names_the_delimiter() -> None:
    plan = plan_of("sep=;\nUsername;Bio\nann;x\n")
    assert (plan.table.header.line, [each.username for each in plan.new]) == (2, ["ann"])
    plan = plan_of("sep=;\nUsername;First Name;Bio\nann,Ada,x\nben,Ben,y\n")
    assert (plan.table.format.rows_delimiter, [each.username for each in plan.new]) == (",", ["ann", "ben"])


@pytest.mark.django_db
def test_a_delimiter_of_the_rows_must_fit_them_all() -> None:
    assert plan_of("Username;Bio\nann,x\nben,y\n").table.format.rows_delimiter == ","
    assert plan_of('Username;Bio\nann,x\nben,"y" z\n').table.format.rows_delimiter == ""
    table = open_table(io.BytesIO(b"Username;Bio\n"), ImportOptions())
    assert table.format.rows_delimiter == ""


@pytest.mark.django_db
@pytest.mark.parametrize("space", [" ", "\t"])
def test_white_space_after_a_quote_does_not_count(space: str) -> None:
    assert plan_of(f'Username,First Name,Bio\nann,"x"{space},y\n').new[0].first_name == "x"
    line = f'ann,"x"{space},'
    longest = plan_of(f"Username,First Name,Bio\n{line}{'y' * (LONGEST_LINE - len(line) - 1)}\n")
    assert [each.field for each in longest.rejected] == ["Bio"]  # which is too long, but the line is read


def test_finding_the_encoding_leaves_a_file_at_its_start() -> None:
    file = io.BytesIO("Username\nzoë\n".encode("cp1252"))
    assert find_encoding(file) == "cp1252"
    assert file.tell() == 0
    with pytest.raises(ImportFailed, match="“ebcdic” is not known"):
        find_encoding(file, "ebcdic")


def test_a_text_that_fits_no_encoding_is_read_as_windows_or_dos_wrote_it() -> None:
    assert encoding_of("100%¬z¬z¬ ¤q¤q\n".encode("cp1252")) == "cp1252"
    assert encoding_of("100%¬z¬z¬ ¤q¤q\n".encode("cp1252") + b"\x81\n") == "cp850"


def test_a_line_that_is_not_there_is_no_header() -> None:
    with pytest.raises(ImportFailed, match="Line 9 is empty or too far down"):
        read_header([SourceRow(1, ["Username"])], line=9)


def test_parts_of_a_text_belong_to_the_cell_but_not_notes_on_it() -> None:
    note = "<office:annotation><text:p>a note</text:p></office:annotation>"
    (row,) = rows_of(f"<table:table-row>{cell(f'a<text:span>b</text:span>c{note}d')}</table:table-row>")
    assert row.cells == ["abcd"]


def test_a_full_disk_is_not_taken_for_a_damaged_spreadsheet(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sheets.tempfile, "TemporaryFile", full)
    with pytest.raises(OSError, match="No space left"):
        SheetSource.open(io.BytesIO(excel(("A", [["Username"]]))), "", None)


@pytest.mark.parametrize(("typed", "delimiter"), [("tab", "\t"), ("\\t", "\t"), (";", ";")])
def test_a_delimiter_is_one_character_or_tab(typed: str, delimiter: str) -> None:
    assert named_delimiter(typed) == delimiter
    with pytest.raises(ValueError):
        named_delimiter(typed * 2 if typed == ";" else f"{typed}s")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("Languages", "x" * 3_001, "Too long: 3001 characters. At most 3000"),
        ("Profile URL", "https://example.org/" + "x" * 9_000, "Too long"),
        ("Job Title", "#N/A", "error of the spreadsheet"),
    ],
)
def test_a_cell_is_refused_for_its_own_reason(column: str, value: str, says: str) -> None:
    assert says in plan_of(f"Username,{column}\nann,{value}\n").rejected[0].fix


@pytest.mark.django_db
def test_a_negative_number_of_a_spreadsheet_is_refused_like_a_written_one() -> None:
    plan = plan_of(excel(("A", [["Username", "Hourly Rate"], ["ann", -5], ["ben", -0.5]])))
    assert ["negative" in each.fix for each in plan.rejected] == [True, True]


@pytest.mark.django_db
def test_line_breaks_become_one_kind_in_texts_and_spaces_in_lines() -> None:
    plan = plan_of('Username,Job Title,Bio\nann,"#1 x \r\n y\rz\n\nw","a\r\nb\rc\nd"\nben,"p\rq","e"\ncid,"p\nq","f"\n')
    assert [each.job_title for each in plan.new] == ["#1 x y z w", "p q", "p q"]
    assert plan.new[0].bio == "a\nb\nc\nd"


@pytest.mark.django_db
def test_a_row_that_comes_twice_is_refused_but_made_usernames_may_be_of_different_people() -> None:
    twice = plan_of("Username\nann\nann\n")
    assert (len(twice.new), twice.conflicts, [each.line for each in twice.rejected]) == (1, [], [3])
    made = plan_of("Name\nAda Lane\nAda Lane\n", same_names="suffix")
    assert [each.username for each in made.new] == ["ada-lane", "ada-lane-2"]
    assert len(made.conflicts) == 1


@pytest.mark.django_db
def test_an_address_is_of_the_same_person_where_only_one_of_both_has_a_name() -> None:
    Expert.objects.create(username="ann", first_name="Ann", last_name="Archer")
    Expert.objects.create(username="ben")
    plan = plan_of("E-mail,First Name,Bio\nann@example.org,,x\nben@example.org,Ben,y\n")
    assert (plan.conflicts, len(plan.changed)) == ([], 2)
    assert len(plan_of("E-mail,First Name,Bio\nann@example.org,Anna,x\n").conflicts) == 1


@pytest.mark.django_db
def test_a_suffix_is_the_first_that_nobody_has() -> None:
    long = "a" * 150
    plan = plan_of(f"Username,First Name\n{long},Ann\n{long.upper()},Ben\n{long.title()},Cid\n", same_names="suffix")
    assert [each.username for each in plan.new] == [long, f"{'A' * 148}-2", f"A{'a' * 147}-3"]
    for username in ("Ben-2", "BEN-2"):  # an earlier release took them for two
        key = identity_key(username)
        number = Expert.objects.filter(username_key=key).count()
        Expert.objects.bulk_create([Expert(username=username, username_key=conflict_key(key, 1) if number else key)])
    plan = plan_of("Username,First Name\nben,Ann\nbEN,Bob\n", same_names="suffix")
    assert [each.username for each in plan.new] == ["ben", "bEN-3"]


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
    plan = plan_of("Username;Hourly Rate\n" + "".join(f"u{n};{cell}\n" for n, cell in enumerate(cells)), decimal=decimal)
    pending = PendingImport("x", None, "people.csv", False, ImportOptions())
    assert [each for each in preview_context(pending, plan)["notices"] if "umber" in each or "decimal" in each] == notices


@pytest.mark.django_db
def test_refused_rows_are_in_the_order_of_the_file() -> None:
    plan = plan_of("Username,Hourly Rate\nann,1\nANN,2\nben,x\n")
    assert [each.line for each in plan.rejected] == [3, 4]


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
