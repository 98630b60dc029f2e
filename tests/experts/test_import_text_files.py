"""Text files at their limits: encoding, delimiter, header, and which rows count."""

from __future__ import annotations

import csv
import io

import pytest

from experts.importing.columns import likely_field_of
from experts.importing.encodings import find_encoding
from experts.importing.errors import ImportFailed
from experts.importing.headers import read_header
from experts.importing.options import ImportOptions
from experts.importing.source_rows import SourceRow
from experts.importing.tables import open_table
from experts.importing.text_files import LONGEST_LINE, named_delimiter
from tests.support.imports import plan_of

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
    greek = "Name\n" + "plain words before it " * 9 + "Νίκος\n"
    assert encoding_of(greek.encode("cp1253")) != "cp1252"


def test_an_encoding_that_fits_the_first_lines_decodes_all_of_them() -> None:
    data = "café au lait\n".encode("cp1252") * 6_000 + b"\x81\n"
    assert data.decode(encoding_of(data))
    assert encoding_of(data) != "cp1252"


def test_finding_the_encoding_leaves_a_file_at_its_start() -> None:
    file = io.BytesIO("Username\nzoë\n".encode("cp1252"))
    assert find_encoding(file) == "cp1252"
    assert file.tell() == 0
    with pytest.raises(ImportFailed, match="“ebcdic” is not known"):
        find_encoding(file, "ebcdic")


def test_a_text_that_fits_no_encoding_is_read_as_windows_or_dos_wrote_it() -> None:
    assert encoding_of("100%¬z¬z¬ ¤q¤q\n".encode("cp1252")) == "cp1252"
    assert encoding_of("100%¬z¬z¬ ¤q¤q\n".encode("cp1252") + b"\x81\n") == "cp850"


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


@pytest.mark.parametrize(("typed", "delimiter"), [("tab", "\t"), ("\\t", "\t"), (";", ";")])
def test_a_delimiter_is_one_character_or_tab(typed: str, delimiter: str) -> None:
    assert named_delimiter(typed) == delimiter
    with pytest.raises(ValueError):
        named_delimiter(typed * 2 if typed == ";" else f"{typed}s")


def test_a_column_is_known_by_its_meaning_up_to_a_hundred_characters() -> None:
    assert [likely_field_of("Name" + "." * more) for more in (96, 97)] == ["full_name", None]


@pytest.mark.parametrize(
    ("cells", "field"),
    [
        (["https://example.org/" + "x" * 480], "profile_url"),
        (["https://example.org/" + "x" * 481], "bio"),
        (["a " * 59 + "ab"], ""),
        (["a " * 60 + "b"], "bio"),
    ],
)
def test_a_column_is_known_by_its_looks_up_to_a_length(cells: list[str], field: str) -> None:
    assert read_header([SourceRow(1, ["Zzz"]), *(SourceRow(2, [cell]) for cell in cells)]).fields == (field,)


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


def test_a_line_that_is_not_there_is_no_header() -> None:
    with pytest.raises(ImportFailed, match="Line 9 is empty or too far down"):
        read_header([SourceRow(1, ["Username"])], line=9)


@pytest.mark.django_db
def test_rows_without_an_expert_are_counted_once_however_often_they_are_read() -> None:
    table = open_table(io.BytesIO(b"Username,Bio\nann,x\n\t,\t\nUsername,Bio\nusername,x\n"), ImportOptions())
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
