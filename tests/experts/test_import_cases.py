"""Files as people have them, each with the right result. The files lie beside the project, where there are any."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from experts.importing.plan import ImportPlan
from experts.models import Expert
from tests.support.imports import import_file, plan_of

CASES = Path(__file__).parents[2].parent / "shared" / "data" / "cases"

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not CASES.exists(), reason=f"{CASES} is not here"),
]


def case(number: str) -> bytes:
    (path,) = CASES.glob(f"{number}_*")
    return path.read_bytes()


def plan_case(number: str, **options: Any) -> ImportPlan:
    return plan_of(case(number), **options)


def new(plan: ImportPlan, *names: str) -> dict[str, Any]:
    """Username -> value of the field, or values of the fields."""
    return {
        each.username: getattr(each, names[0]) if len(names) == 1 else tuple(getattr(each, name) for name in names)
        for each in plan.new
    }


def refused(plan: ImportPlan) -> dict[str, str]:
    return {each.username: each.fix for each in plan.rejected}


def created(plan: ImportPlan) -> dict[str, str]:
    return {each.username: f"{each.created_at:%Y-%m-%d %H:%M:%S}" for each in plan.new}


def test_01_a_dutch_file_with_semicolons_and_decimal_commas() -> None:
    plan = plan_case("01")
    assert new(plan, "hourly_rate") == {"z01a": Decimal("95.50")}
    assert created(plan) == {"z01a": "2024-05-31 00:00:00"}
    assert (plan.conventions.decimal, plan.table.format.delimiter) == (",", ";")


def test_03_thousands_points_and_a_decimal_comma() -> None:
    assert new(plan_case("03"), "hourly_rate") == {"z03a": Decimal("1234.56")}


def test_05_a_decimal_point_elsewhere_decides_and_is_shown() -> None:
    plan = plan_case("05")
    assert new(plan, "hourly_rate") == {"z05a": Decimal("1.25"), "z05b": Decimal("1.25")}
    assert (plan.conventions.decimal, plan.conventions.amount_in_doubt) == (".", "1.250")


def test_06_currencies_in_the_cell() -> None:
    plan = plan_case("06")
    assert new(plan, "hourly_rate", "currency") == {
        "z06a": (Decimal(120), "EUR"),
        "z06b": (Decimal(95), "USD"),
        "z06c": (Decimal(120), "EUR"),
    }
    assert "/h" in refused(plan)["z06d"]


@pytest.mark.parametrize(("number", "encoding"), [("09", "utf-16-le"), ("10", "cp1252")])
def test_other_encodings_are_read_and_named(number: str, encoding: str) -> None:
    plan = plan_case(number)
    assert "Zoë" in str(new(plan, "username", "first_name"))
    assert plan.table.format.encoding == encoding


def test_16_17_54_76_short_rows_and_empty_cells_too_many() -> None:
    assert new(plan_case("16"), "first_name") == {"z16a": "Ada", "z16b": "Bob"}
    assert new(plan_case("17"), "last_name", "job_title") == {"z17a": ("Bakker", "Cook"), "z17b": ("Bakker", "")}
    assert new(plan_case("54"), "first_name") == {"z54a": "Ada"}
    plan = plan_case("76")
    assert new(plan, "currency") == {"qv076a": "EUR", "qv076b": "", "qv076c": "EUR"}
    assert plan.rejected == []


def test_21_22_a_line_with_the_delimiter_and_a_title_above_the_header() -> None:
    assert new(plan_case("21"), "first_name") == {"z21a": "Ada"}
    plan = plan_case("22")
    assert new(plan, "first_name", "last_name") == {"z22a": ("Ada", "Bakker")}
    assert plan.table.header.line == 3


def test_23_dates() -> None:
    plan = plan_case("23")
    may = "2024-05-31 00:00:00"
    assert created(plan) == {
        "z23a": may,
        "z23b": may,
        "z23d": may,
        "z23e": "2024-05-31 14:30:00",
        "z23f": may,
        "z23g": may,
        "z23h": "2024-05-31 14:30:00",
        "z23i": may,
        "z23j": "2024-05-01 00:00:00",
        "z23k": may,
        "z23l": "2024-05-31 14:30:00",
        "z23m": "2024-05-31 14:30:00",
        "z23n": "2024-05-31 12:30:00",
        "z23q": "2024-01-01 00:00:00",
    }
    assert "day first" in refused(plan)["z23c"]
    for username in ("z23o", "z23p"):
        assert "from 1900 to 2200" in refused(plan)[username]
    alone = plan_of(b"Username,Created At\nz23c,05/31/2024\n")
    assert created(alone) == {"z23c": may}


@pytest.mark.parametrize("number", ["25", "60"])
def test_two_rows_whose_usernames_look_the_same_are_of_one_person(number: str) -> None:
    plan = plan_case(number)
    assert len(plan.new) == 1
    (refusal,) = plan.rejected
    assert refusal.line == 3
    assert "Line 2 has the same username" in refusal.fix


def test_43_59_quotes_after_a_space() -> None:
    assert new(plan_case("43"), "first_name", "bio") == {"z43a": ("Ada", "a, b")}
    assert new(plan_case("59"), "first_name", "last_name") == {"qx059": ("Ada", "Bakker")}


def test_57_58_somebody_elses_username_changes_nobody() -> None:
    import_file(case("57"))
    plan = plan_case("58")
    assert plan.changed == []
    assert "Eric Upper" in refused(plan)["éric57"]
    import_file(case("58"), same_names="suffix")
    import_file(case("58"), same_names="suffix")
    names = dict(Expert.objects.values_list("username", "last_name"))
    assert names == {"Éric57": "Upper", "éric57-2": "Lower"}


def test_61_years_that_nobody_can_see_are_refused() -> None:
    plan = plan_case("61")
    assert set(refused(plan)) == {"qx061a", "qx061b"}
    assert all("from 1900 to 2200" in fix for fix in refused(plan).values())


def test_62_a_mark_that_may_stand_for_thousands_is_never_read_silently() -> None:
    plan = plan_case("62")
    assert (plan.new, plan.needs_choice) == ([], True)
    assert new(plan_case("62", decimal="."), "hourly_rate")["qx062a"] == Decimal("1.25")
    thousands = plan_case("62", decimal=",")
    assert new(thousands, "hourly_rate") == {"qx062a": Decimal(1250), "qx062b": Decimal(1000)}
    assert "0.850" in thousands.rejected[0].value


def test_63_hours_of_one_digit() -> None:
    plan = plan_case("63")
    assert created(plan) == {
        "qx063a": "2026-02-24 13:44:51",
        "qx063b": "2026-02-24 09:14:12",
        "qx063+test": "2026-02-24 00:05:00",
    }
    assert plan.rejected == []


def test_64_people_whose_usernames_differ_in_case() -> None:
    assert len(plan_case("64").rejected) == 1
    import_file(case("64"), same_names="suffix")
    assert dict(Expert.objects.values_list("username", "last_name")) == {"Nora64": "Kvist", "nora64-2": "Almeida"}
    header, _kvist, almeida = case("64").splitlines(keepends=True)
    partial = plan_of(header + almeida)
    assert (partial.changed, partial.conflicts[0].other) == ([], "Nora64")
    again = plan_of(case("64"), same_names="suffix")
    assert (again.unchanged, again.does_nothing) == (2, True)
    assert plan_of(case("64"), same_names="skip").counts.skipped == 1


def test_65_a_space_in_a_web_address() -> None:
    assert new(plan_case("65"), "profile_url") == {"Petra Blom": "https://example.org/u/Petra%20Blom"}


def test_72_a_header_in_the_middle_does_not_become_a_person() -> None:
    plan = plan_case("72")
    assert set(new(plan, "username")) == {"qv072a", "qv072b"}
    assert "1 row repeats the header" in plan.table.notices()[0]


def test_73_errors_of_spreadsheets_are_refused_and_names_that_look_odd_are_not() -> None:
    plan = plan_case("73")
    assert new(plan, "first_name", "last_name", "job_title", "company") == {
        "qv073b": ("nan", "None", "null", "undefined")
    }
    assert [each.value for each in plan.rejected] == ["#N/A", "#REF!", "#NAME?", "#VALUE!"]
