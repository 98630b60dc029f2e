"""Reading a file of experts: what is understood, what is rejected and what is refused."""

from __future__ import annotations

import io
import tracemalloc
from datetime import UTC, datetime

import pytest

from experts.importing.cells import mark_formula, unmark_formula
from experts.importing.errors import ImportFailed
from experts.importing.options import ImportOptions
from experts.importing.tables import open_table
from experts.models import Expert
from tests.support.imports import import_file, plan_of, problems

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "header",
    ["username,bio,first_name", "USERNAME,Bio,FIRST NAME", " Username , BIO , First_Name "],
)
def test_columns_are_known_in_any_case_and_order_and_in_snake_case(header: str) -> None:
    import_file(f"{header}\nann,Sings,Ann\n")
    expert = Expert.objects.get()
    assert (expert.bio, expert.first_name) == ("Sings", "Ann")


def test_unknown_columns_are_reported_and_ignored() -> None:
    plan = import_file("Shoe Size,Username,\n44,ann,x\n")
    assert plan.unknown_columns[0] == "Shoe Size"
    assert "3" in plan.unknown_columns[1]
    assert Expert.objects.get().username == "ann"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("Username", ""),
        ("Username", "x" * 151),
        ("Hourly Rate", "eighty"),
        ("Hourly Rate", "-5"),
        ("Hourly Rate", "85 apples"),
        ("Hourly Rate", "NaN"),
        ("Hourly Rate", "1e3"),
        ("Hourly Rate", "85.5055"),
        ("Hourly Rate", "100000000"),
        ("Hourly Rate", "0." + "3" * 60),
        ("Currency", "euro"),
        ("Currency", "€"),
        ("Profile URL", "javascript:alert(1)"),
        ("Profile URL", "ftp://example.com/a"),
        ("Profile URL", "example.com"),
        ("Profile Image Url", "https://example.com/" + "a" * 490),
        ("Created At", "31-05-24"),
        ("Created At", "2024-02-30"),
        ("Created At", "0001-01-01T00:00:00+14:00"),
        ("Company", "c" * 256),
        ("Bio", "b" * 20_001),
        ("Bio", "a\0b"),
    ],
)
def test_a_bad_value_is_named_by_line_field_value_and_fix(column: str, value: str) -> None:
    header = ["Username", "Bio", column] if column not in ("Username", "Bio") else ["Username", "Bio"]
    cells = {"Username": "ann", "Bio": "Sings", column: value}
    row = ",".join(f'"{cells[name]}"' for name in header)
    plan = plan_of(f"{','.join(header)}\nben,Paints{',' * (len(header) - 2)}\n{row}\n")
    (rejection,) = plan.rejected
    assert (rejection.line, rejection.field) == (3, column)
    assert rejection.value[:8] == value[:8].replace("\0", "\\x00")[:8]
    assert rejection.fix
    assert len(plan.new) == 1


def test_every_problem_of_a_row_is_named_and_the_row_counted_once() -> None:
    plan = plan_of("Username,Hourly Rate,Created At\nann,much,soon\n")
    assert [one.field for one in plan.rejected] == ["Hourly Rate", "Created At"]
    assert plan.counts.rejected == 1


def test_rows_with_too_many_cells_are_rejected_and_short_ones_filled_up() -> None:
    plan = plan_of("Username,Bio\nann\nben,Paints,,\ncid,Sings,,well\n")
    assert problems(plan) == [(4, "row", "well")]
    assert [(expert.username, expert.bio) for expert in plan.new] == [("ann", ""), ("ben", "Paints")]


def test_lines_are_counted_as_in_the_file_past_blank_rows_and_line_ends_in_cells() -> None:
    plan = plan_of('Username,Bio,Hourly Rate\n\nann,"one\ntwo\nthree",1\n,,\nben,x,bad\n')
    assert problems(plan) == [(7, "Hourly Rate", "bad")]


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff", "Username,Bio\n", "Username,Bio\n,\n"])
def test_an_empty_file_is_refused_so_that_sync_cannot_deactivate_everybody(text: str) -> None:
    with pytest.raises(ImportFailed, match="empty|no experts"):
        plan_of(text, sync=True)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"PK\x03\x04\x14\x00\x06\x00", "damaged"),
        (b"%PDF-1.7\n", "PDF"),
        (b"<!DOCTYPE html>\n<html></html>", "Username"),
        (b"Colour,Bio\nred,Sings\n", "Username"),
        ("Username,Bio\nann,Sings\n".encode("utf-16")[:-1], "UTF-16"),
        (b'Username,Bio\nann,"never closed\nben,x\n', "line 2"),
        (b'Username,Bio\nann,Sings\nben,"a"b\n', "line 3"),
        (b"Username,Bio,BIO\nann,x,y\n", "twice"),
    ],
)
def test_a_file_that_is_not_a_csv_of_experts_is_refused_with_the_reason(data: bytes, says: str) -> None:
    with pytest.raises(ImportFailed, match=says):
        plan_of(data)


def test_a_wrong_encoding_is_named_by_line_and_byte() -> None:
    data = "Username,First Name\nann,Ann\nzoe,Zoë\n".encode("latin-1")
    with pytest.raises(ImportFailed) as caught:
        plan_of(data, encoding="utf-8-sig")
    assert f"byte {data.index(0xEB) + 1} " in str(caught.value)
    assert "Line 3" in str(caught.value)
    assert "0xEB" in str(caught.value)


def test_a_cell_larger_than_pythons_own_limit_rejects_its_row_only() -> None:
    plan = plan_of(f"Username,Bio\nann,{'x' * 200_000}\nben,Paints\n")
    assert [(line, field) for line, field, _value in problems(plan)] == [(2, "Bio")]
    assert "200000" in plan.rejected[0].value
    assert len(plan.new) == 1


def test_files_over_the_limits_are_refused(settings: object) -> None:
    settings.TCS_IMPORT_MAX_ROWS = 2  # type: ignore[attr-defined]
    assert len(plan_of("Username\na\nb\n").new) == 2
    with pytest.raises(ImportFailed, match="more than 2 experts"):
        plan_of("Username\na\nb\nc\n")
    settings.TCS_IMPORT_MAX_MB = 1  # type: ignore[attr-defined]
    with pytest.raises(ImportFailed, match="the limit is 1 MB"):
        plan_of("Username\n" + "\n" * 2**20)


def test_reading_takes_no_more_memory_for_a_long_file_than_for_a_short_one() -> None:
    def peak(count: int) -> int:
        file = io.BytesIO(b"Username,Bio\n" + f"ann,{'Sings. ' * 300}\n".encode() * count)  # 2 KB each
        tracemalloc.start()
        read = sum(1 for _row in open_table(file, ImportOptions()).rows())
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert read == count
        return most

    peak(10)  # whatever is kept for the next time
    assert peak(4_000) < 1.2 * peak(2_000) < 4_000_000


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-05-31", datetime(2024, 5, 31, tzinfo=UTC)),
        ("2024-05-31T14:30:00", datetime(2024, 5, 31, 14, 30, tzinfo=UTC)),
        ("2024-05-31 14:30:00+02:00", datetime(2024, 5, 31, 12, 30, tzinfo=UTC)),
        ("2024-05-31T14:30:00Z", datetime(2024, 5, 31, 14, 30, tzinfo=UTC)),
    ],
)
def test_dates_without_an_offset_are_utc(text: str, moment: datetime) -> None:
    import_file(f"Username,Created At\nann,{text}\n")
    assert Expert.objects.get().created_at == moment


@pytest.mark.parametrize(
    "value",
    ["=1+1", "+1", "-1", "@a", "'=1", "''=1", "\t1", "＝1", "plain", "'Who?'", "'", ""],  # noqa: RUF001
)
def test_marking_a_formula_can_be_undone(value: str) -> None:
    marked = mark_formula(value)
    assert unmark_formula(marked) == value
    assert marked[:1] not in set("=+-@\t\r\0＝")  # noqa: RUF001
