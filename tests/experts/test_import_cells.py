"""Cells at their limits: amounts, dates, long texts, line breaks."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from experts.importing.amounts import decimal_mark, read_amount
from experts.importing.conventions import Conventions
from experts.importing.invalid import InvalidValue
from experts.importing.moments import first_of_two, read_moment
from tests.support.imports import plan_of
from tests.support.spreadsheets import excel


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
    plan = plan_of(
        'Username,Job Title,Bio\nann,"#1 x \r\n y\rz\n\nw","a\r\nb\rc\nd"\nben,"p\rq","e"\ncid,"p\nq","f"\n'
    )
    assert [each.job_title for each in plan.new] == ["#1 x y z w", "p q", "p q"]
    assert plan.new[0].bio == "a\nb\nc\nd"
