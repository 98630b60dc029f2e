"""A file of experts: what is read, compared, refused and applied."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.utils import timezone

from experts.admin.export import write_csv
from experts.importing.apply import apply_plan
from experts.importing.cells import mark_formula, unmark_formula
from experts.importing.columns import COLUMNS
from experts.importing.errors import ImportFailed, RowsRejected
from experts.importing.plan import ImportPlan, make_plan
from experts.models import Expert

pytestmark = pytest.mark.django_db


def plan_of(text: str | bytes, *, sync: bool = False) -> ImportPlan:
    return make_plan(io.BytesIO(text.encode() if isinstance(text, str) else text), sync=sync)


def run(text: str | bytes, *, sync: bool = False, skip_bad: bool = False) -> ImportPlan:
    plan = plan_of(text, sync=sync)
    apply_plan(plan, skip_bad=skip_bad)
    return plan


def counts(plan: ImportPlan) -> tuple[int, int, int, int, int]:
    of = plan.counts
    return of.new, of.changed, of.unchanged, of.missing, of.rejected


def problems(plan: ImportPlan) -> list[tuple[int, str, str]]:
    return [(one.line, one.field, one.value) for one in plan.rejected]


FULL = (
    "Username,First Name,Last Name,Job Title,Company,Bio,Hourly Rate,Currency,Profile URL,Profile Image Url,"
    "Created At\n"
    'zoë,Zoë,Ångström,Planner,Öresund Lines,"Plans ships,\nand trains",95.50,eur,'
    "https://example.com/zoe,https://example.com/zoe.jpg,2024-05-31\n"
)


def test_every_column_reaches_its_field() -> None:
    run(FULL)
    expert = Expert.objects.get()
    assert (expert.username, expert.first_name, expert.last_name) == ("zoë", "Zoë", "Ångström")
    assert (expert.job_title, expert.company) == ("Planner", "Öresund Lines")
    assert expert.bio == "Plans ships,\nand trains"
    assert (expert.hourly_rate, expert.currency) == (Decimal("95.50"), "EUR")
    assert (expert.profile_url, expert.photo_url) == ("https://example.com/zoe", "https://example.com/zoe.jpg")
    assert expert.created_at == datetime(2024, 5, 31, tzinfo=UTC)
    assert expert.is_active


def test_importing_the_same_file_again_changes_nothing() -> None:
    run(FULL)
    before = Expert.objects.get().updated_at
    again = run(FULL)
    assert counts(again) == (0, 0, 1, 0, 0)
    assert again.does_nothing
    assert Expert.objects.get().updated_at == before


@pytest.mark.parametrize(
    "header",
    ["username,bio,first_name", "USERNAME,Bio,FIRST NAME", " Username , BIO , First_Name "],
)
def test_columns_are_known_in_any_case_and_order_and_in_snake_case(header: str) -> None:
    run(f"{header}\nann,Sings,Ann\n")
    expert = Expert.objects.get()
    assert (expert.bio, expert.first_name) == ("Sings", "Ann")


def test_unknown_columns_are_reported_and_ignored() -> None:
    plan = run("Shoe Size,Username,\n44,ann,x\n")
    assert plan.unknown_columns[0] == "Shoe Size"
    assert "3" in plan.unknown_columns[1]
    assert Expert.objects.get().username == "ann"


@pytest.mark.parametrize(
    "text", ["\ufeffUsername,Bio\nann,Sings\n", "Username;Bio\r\nann;Sings\r\n", "Username\tBio\nann\tSings"]
)
def test_a_byte_order_mark_other_delimiters_and_line_ends_are_understood(text: str) -> None:
    run(text)
    assert Expert.objects.get().bio == "Sings"


def test_a_column_that_is_not_in_the_file_leaves_its_field_alone() -> None:
    run(FULL)
    plan = run("Username,Company\nzoë,Other Lines\n")
    expert = Expert.objects.get()
    assert expert.company == "Other Lines"
    assert expert.bio == "Plans ships,\nand trains"
    assert plan.changed[0].fields == {"company": ("Öresund Lines", "Other Lines")}


def test_an_empty_cell_empties_its_field_but_not_the_date() -> None:
    run(FULL)
    plan = run("Username,Bio,Hourly Rate,Created At\nzoë,,,\n")
    expert = Expert.objects.get()
    assert (expert.bio, expert.hourly_rate) == ("", None)
    assert expert.created_at == datetime(2024, 5, 31, tzinfo=UTC)
    assert set(plan.changed[0].fields) == {"bio", "hourly_rate"}


def test_a_change_moves_updated_at_and_only_for_who_changed() -> None:
    run("Username,Bio\nann,Sings\nben,Paints\n")
    old = datetime(2020, 1, 1, tzinfo=UTC)
    Expert.objects.update(updated_at=old)
    run("Username,Bio\nann,Dances\nben,Paints\n")
    assert Expert.objects.get(username="ann").updated_at > old
    assert Expert.objects.get(username="ben").updated_at == old


def test_usernames_are_the_same_in_any_case_and_keep_the_directorys_spelling() -> None:
    run("Username,Bio\nÉmile,Sings\n")
    plan = run("Username,Bio\néMILE,Dances\n")
    assert counts(plan) == (0, 1, 0, 0, 0)
    assert list(Expert.objects.values_list("username", "bio")) == [("Émile", "Dances")]


def test_a_second_row_of_a_username_is_rejected_and_names_the_first() -> None:
    plan = plan_of("Username,Bio\nann,Sings\nANN,Dances\n")
    assert problems(plan) == [(3, "Username", "ANN")]
    assert "Line 2" in plan.rejected[0].fix


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("Username", ""),
        ("Username", "x" * 151),
        ("Hourly Rate", "eighty"),
        ("Hourly Rate", "-5"),
        ("Hourly Rate", "85,50"),
        ("Hourly Rate", "NaN"),
        ("Hourly Rate", "1e3"),
        ("Hourly Rate", "85.505"),
        ("Hourly Rate", "100000000"),
        ("Hourly Rate", "0." + "3" * 60),
        ("Currency", "euro"),
        ("Currency", "€"),
        ("Profile URL", "javascript:alert(1)"),
        ("Profile URL", "ftp://example.com/a"),
        ("Profile URL", "example.com"),
        ("Profile Image Url", "https://example.com/" + "a" * 490),
        ("Created At", "31-05-2024"),
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


def test_rows_with_too_few_or_too_many_cells_are_rejected() -> None:
    plan = plan_of("Username,Bio\nann\nben,Paints\ncid,Sings,well\n")
    assert [line for line, _field, _value in problems(plan)] == [2, 4]
    assert [expert.username for expert in plan.new] == ["ben"]


def test_lines_are_counted_as_in_the_file_past_blank_rows_and_line_ends_in_cells() -> None:
    plan = plan_of('Username,Bio,Hourly Rate\n\nann,"one\ntwo\nthree",1\n,,\nben,x,bad\n')
    assert problems(plan) == [(7, "Hourly Rate", "bad")]


def test_with_one_bad_row_nothing_is_applied() -> None:
    plan = plan_of("Username,Hourly Rate\nann,80\nben,much\n")
    with pytest.raises(RowsRejected, match="1 row"):
        apply_plan(plan)
    assert not Expert.objects.exists()


def test_skipping_bad_rows_applies_the_good_ones() -> None:
    run("Username,Hourly Rate\nann,80\nben,much\n", skip_bad=True)
    assert [expert.username for expert in Expert.objects.all()] == ["ann"]


def test_a_failure_in_the_middle_applies_nothing() -> None:
    run("Username,Bio\nann,Sings\n")
    plan = plan_of("Username,Bio\nann,Dances\nben,Paints\n")
    Expert.objects.filter(username="ann").delete()
    with pytest.raises(ImportFailed, match="changed while"):
        apply_plan(plan)
    assert not Expert.objects.exists()


def test_a_username_taken_meanwhile_applies_nothing() -> None:
    plan = plan_of("Username,Bio\nann,Sings\nben,Paints\n")
    Expert.objects.create(username="BEN", bio="Was first")
    with pytest.raises(ImportFailed, match="changed while"):
        apply_plan(plan)
    assert Expert.objects.get().bio == "Was first"


def test_an_edit_made_meanwhile_in_another_field_stays() -> None:
    run("Username,Bio,Company\nann,Sings,Choir\n")
    plan = plan_of("Username,Bio,Company\nann,Dances,Choir\n")
    Expert.objects.update(company="Ballet")
    apply_plan(plan)
    assert list(Expert.objects.values_list("bio", "company")) == [("Dances", "Ballet")]


def test_without_sync_nobody_is_hidden_or_shown() -> None:
    run("Username\nann\nben\ncid\n")
    Expert.objects.filter(username="ben").deactivate()
    plan = run("Username\nben\ncid\n")
    assert counts(plan) == (0, 0, 2, 1, 0)
    assert plan.hidden == 1
    assert set(Expert.objects.active().values_list("username", flat=True)) == {"ann", "cid"}


def test_sync_makes_the_active_experts_those_of_the_file() -> None:
    run("Username\nann\nben\ncid\n")
    Expert.objects.filter(username="ben").deactivate()
    plan = run("Username\nben\ncid\n", sync=True)
    assert counts(plan) == (0, 1, 1, 1, 0)
    assert plan.changed[0].fields == {"is_active": (False, True)}
    assert set(Expert.objects.active().values_list("username", flat=True)) == {"ben", "cid"}


@pytest.mark.parametrize("row", ["ann,much", "ANN", "ann,1,2"])
def test_sync_does_not_hide_somebody_whose_row_was_rejected(row: str) -> None:
    run("Username\nann\nben\n")
    plan = run(f"Username,Hourly Rate\n{row}\nben,1\n", sync=True, skip_bad=True)
    assert plan.missing == []
    assert Expert.objects.active().count() == 2


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff", "Username,Bio\n", "Username,Bio\n,\n"])
def test_an_empty_file_is_refused_so_that_sync_cannot_hide_everybody(text: str) -> None:
    with pytest.raises(ImportFailed, match="empty|no experts"):
        plan_of(text, sync=True)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"PK\x03\x04\x14\x00\x06\x00", "Excel"),
        (b"%PDF-1.7\n", "PDF"),
        (b"<!DOCTYPE html>\n<html></html>", "Username"),
        (b"Name,Bio\nann,Sings\n", "Username"),
        ("Username,Bio\nann,Sings\n".encode("utf-16"), "UTF-16"),
        ("Username,Bio\nann,Sings\n".encode("utf-16-le"), "UTF-16"),
        (b'Username,Bio\nann,"never closed\nben,x\n', "line 2"),
        (b'Username,Bio\nann,Sings\nben,"a"b\n', "line 3"),
        (b"Username,Bio,BIO\nann,x,y\n", "twice"),
    ],
)
def test_what_is_no_csv_of_experts_is_refused_with_the_reason(data: bytes, says: str) -> None:
    with pytest.raises(ImportFailed, match=says):
        plan_of(data)


def test_a_wrong_encoding_is_named_by_line_and_byte() -> None:
    data = "Username,First Name\nann,Ann\nzoe,Zoë\n".encode("latin-1")
    with pytest.raises(ImportFailed) as caught:
        plan_of(data)
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
    with pytest.raises(ImportFailed, match="TCS_IMPORT_MAX_ROWS"):
        plan_of("Username\na\nb\nc\n")
    settings.TCS_IMPORT_MAX_MB = 1  # type: ignore[attr-defined]
    with pytest.raises(ImportFailed, match="TCS_IMPORT_MAX_MB"):
        plan_of("Username\n" + "\n" * 2**20)


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
    run(f"Username,Created At\nann,{text}\n")
    assert Expert.objects.get().created_at == moment


def test_an_expert_without_a_date_in_the_file_is_created_now() -> None:
    before = timezone.now()
    run("Username,Created At\nann,\n")
    assert Expert.objects.get().created_at >= before


def test_the_digest_follows_what_would_be_done() -> None:
    first = plan_of("Username,Bio\nann,Sings\n").digest
    assert plan_of("Username,Bio\nann,Sings\n").digest == first
    assert plan_of("Username,Bio\nann,Dances\n").digest != first
    Expert.objects.create(username="ben")
    assert plan_of("Username,Bio\nann,Sings\n").digest != first


@pytest.mark.parametrize(
    "value",
    ["=1+1", "+1", "-1", "@a", "'=1", "''=1", "\t1", "＝1", "plain", "'Who?'", "'", ""],  # noqa: RUF001
)
def test_marking_a_formula_can_be_undone(value: str) -> None:
    marked = mark_formula(value)
    assert unmark_formula(marked) == value
    assert marked[:1] not in set("=+-@\t\r\0＝")  # noqa: RUF001


def test_an_export_is_imported_back_as_it_was() -> None:
    run(FULL)
    Expert.objects.create(username="=cmd", bio='"quoted", and\nbroken', company="'=1", first_name="-x", category="+C")
    file = io.StringIO()
    write_csv(Expert.objects.all(), file)
    assert file.getvalue().splitlines()[0] == ",".join(COLUMNS)
    assert "'=cmd" in file.getvalue()
    assert counts(plan_of(file.getvalue())) == (0, 0, 2, 0, 0)


def test_many_changes_of_many_kinds_are_all_applied() -> None:
    run("Username,Bio,Company\n" + "".join(f"u{n},b{n},c{n}\n" for n in range(2_500)))
    text = "Username,Bio,Company\n" + "".join(
        f"u{n},{'B' if n % 2 else 'b'}{n},{'C' if n % 3 else 'c'}{n}\n" for n in range(2_500)
    )
    plan = run(text)
    assert plan.counts.unchanged == len([n for n in range(2_500) if not n % 2 and not n % 3])
    assert counts(plan_of(text)) == (0, 0, 2_500, 0, 0)
