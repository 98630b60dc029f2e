"""Amounts, currencies, dates, web addresses and encodings as people write them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils import timezone

from experts.importing.errors import ImportFailed
from experts.importing.plan import ImportPlan
from experts.models.validators import check_url
from tests.support.imports import plan_of
from tests.support.spreadsheets import excel

pytestmark = pytest.mark.django_db


def rates(*cells: str, currency: str | None = None, **options: Any) -> ImportPlan:
    """The plan of a file with these rates, whose rows have this currency."""
    header = "Username;Hourly Rate" + (";Currency" if currency is not None else "")
    rows = (
        f'u{number};"{cell}"' + (f";{currency}" if currency is not None else "") for number, cell in enumerate(cells)
    )
    return plan_of("\n".join([header, *rows]), **options)


@pytest.mark.parametrize(
    ("cell", "amount", "currency"),
    [
        ("€ 1.250,50", "1250.50", "EUR"),
        ("1,250.50 USD", "1250.50", "USD"),
        ("$95.00", "95", "USD"),
        ("US$ 95", "95", "USD"),
        ("120,-", "120", ""),
        ("120,- €", "120", "EUR"),
        ("1 250,50", "1250.50", ""),
        ("1\u202f250,50 €", "1250.50", "EUR"),
        ("CHF 1'250.50", "1250.50", "CHF"),
        ("Fr. 95.50", "95.50", "CHF"),
        ("1.250.000", "1250000", ""),
        ("12,34,567.50", "1234567.50", ""),
        ("１２０", "120", ""),  # noqa: RUF001
        ("£ 80", "80", "GBP"),
        ("80 zł", "80", "PLN"),
        ("eur 80", "80", "EUR"),
        ("0,5", "0.50", ""),
        ("0", "0", ""),
    ],
)
def test_an_amount_is_read_with_its_currency(cell: str, amount: str, currency: str) -> None:
    (expert,) = rates(cell).new
    assert (expert.hourly_rate, expert.currency) == (Decimal(amount), currency)


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("80/h", "Remove “/h”"),
        ("80 per hour", "Remove “per hour”"),
        ("80-100", "Not a number"),
        ("€80 EUR", "Not a number"),
        ("-5", "cannot be negative"),
        ("€ -5", "cannot be negative"),
        ("1.2.3", "decimal mark"),
        ("1,25,0", "decimal mark"),
        ("..", "Not a number"),
        ("kr 80", "Which crowns"),
        ("9" * 200, "Not a number"),
        ("1.250,505", "Too many decimals"),
    ],
)
def test_anything_else_beside_the_amount_is_refused_with_the_reason(cell: str, says: str) -> None:
    plan = rates(cell)
    assert plan.new == []
    assert says in plan.rejected[0].fix


def test_the_currency_of_the_cell_must_be_that_of_the_row() -> None:
    assert [each.currency for each in rates("$95", "kr 80", currency="").new] == ["USD"]
    assert [each.currency for each in rates("$95", currency="CAD").new] == ["CAD"]
    assert [each.currency for each in rates("kr 95", currency="SEK").new] == ["SEK"]
    plan = rates("€ 95", currency="USD")
    assert "is in EUR, but the currency of the row is USD" in plan.rejected[0].fix


def test_one_decimal_mark_holds_for_the_whole_file() -> None:
    plan = rates("1.250", "95,50")
    assert [each.hourly_rate for each in plan.new] == [Decimal(1250), Decimal("95.50")]
    plan = rates("1.250", "95.50")
    assert [each.hourly_rate for each in plan.new] == [Decimal("1.25"), Decimal("95.50")]
    assert (plan.conventions.amount_in_doubt, plan.needs_choice) == ("1.250", False)


@pytest.mark.parametrize("cells", [("1.250",), ("1,250", "80"), ("95,50", "95.50"), ("0.850",)])
def test_what_can_be_read_in_two_ways_is_asked(cells: tuple[str, ...]) -> None:
    plan = rates(*cells)
    assert plan.needs_choice
    assert not any(each.hourly_rate not in (None, Decimal(80)) for each in plan.new)


def test_a_chosen_decimal_mark_refuses_what_does_not_fit() -> None:
    plan = rates("95,50", "95.50", "1.250", decimal=",")
    assert [each.hourly_rate for each in plan.new] == [Decimal("95.50"), Decimal(1250)]
    assert "Does not fit" in plan.rejected[0].fix


def dates(*cells: str, **options: Any) -> ImportPlan:
    return plan_of("Username;Created At\n" + "\n".join(f"u{n};{cell}" for n, cell in enumerate(cells)), **options)


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2024-5-1", "2024-05-01 00:00:00"),
        ("2024/05/31 9:05", "2024-05-31 09:05:00"),
        ("31.5.2024", "2024-05-31 00:00:00"),
        ("31-05-2024 9:14:12", "2024-05-31 09:14:12"),
        ("5/31/2024 2:05 PM", "2024-05-31 14:05:00"),
        ("5/31/2024 12:05 am", "2024-05-31 00:05:00"),
        ("03/04/2024", "2024-04-03 00:00:00"),
        ("31 mei 2024", "2024-05-31 00:00:00"),
        ("31. Mai 2024", "2024-05-31 00:00:00"),
        ("1er août 2024", "2024-08-01 00:00:00"),
        ("31-May-2024", "2024-05-31 00:00:00"),
        ("Friday, May 31st, 2024 at 9:05", "2024-05-31 09:05:00"),
        ("Fri, 31 May 2024 09:05:00 +0200", "2024-05-31 07:05:00"),
        ("2024-05-31T14:30:00.123456-05:00", "2024-05-31 19:30:00"),
        ("2024-05-31 14:30:00 UTC", "2024-05-31 14:30:00"),
        ("45443.5", "2024-05-31 12:00:00"),
        ("1717165800", "2024-05-31 14:30:00"),
        ("1717165800000", "2024-05-31 14:30:00"),
    ],
)
def test_a_date_is_read(cell: str, moment: str) -> None:
    (expert,) = dates(cell).new
    assert f"{expert.created_at:%Y-%m-%d %H:%M:%S}" == moment


@pytest.mark.parametrize(
    "cell",
    [
        "2024",
        "31-05-24",
        "31/31/2024",
        "2024-02-30",
        "25:00",
        "31 foo 2024",
        "1899-12-31",
        "2201-01-01",
        "9999",
        "x" * 9_999,
    ]
    + [
        "2024-05-31 25:00",
        "2024-05-31 13:00 pm",
        "0001-01-01",
        "9999-12-31T23:59:59-05:00",
        "2024-05-31 10:00 +99:99",
    ],
)
def test_what_is_not_a_date_is_refused(cell: str) -> None:
    plan = dates(cell)
    assert plan.new == []
    assert plan.rejected[0].fix


def test_the_day_comes_first_unless_the_file_shows_that_the_month_does() -> None:
    def days(plan: ImportPlan) -> list[str]:
        return [f"{each.created_at:%m-%d}" for each in plan.new]

    assert days(dates("03/04/2024", "05/31/2024")) == ["03-04", "05-31"]
    assert days(dates("03/04/2024", "31/05/2024")) == ["04-03", "05-31"]
    assert days(dates("03/04/2024", dates="month")) == ["03-04"]
    mixed = dates("31/05/2024", "05/31/2024")
    assert (days(mixed), "day first" in mixed.rejected[0].fix) == (["05-31"], True)
    assert dates("03/04/2024").conventions.date_in_doubt == "03/04/2024"


def test_a_time_without_a_zone_is_in_that_of_the_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "get_default_timezone", lambda: ZoneInfo("Europe/Amsterdam"))
    (summer, winter, stated) = dates("2024-07-01 12:00", "2024-01-01 12:00", "2024-07-01T12:00Z").new
    assert [each.created_at.hour for each in (summer, winter, stated)] == [10, 11, 12]


@pytest.mark.parametrize(
    ("cell", "address"),
    [
        ("https://example.org/a b", "https://example.org/a%20b"),
        ("https://example.org/a%20b", "https://example.org/a%20b"),
        ("https://example.org/é?q=<x>", "https://example.org/é?q=%3Cx%3E"),
    ],
)
def test_a_web_address_is_encoded_once(cell: str, address: str) -> None:
    assert plan_of(f"Username,Profile URL\nann,{cell}\n").new[0].profile_url == address


def test_a_bad_address_that_is_dropped_leaves_the_old_one() -> None:
    plan = plan_of("Username,Profile URL,Bio\nann,nonsense,x\n", drop_bad_urls=True)
    assert (plan.new[0].profile_url, plan.new[0].bio, plan.dropped_urls) == ("", "x", 1)


@pytest.mark.parametrize(
    "cell", ["#N/A", "#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NV", "#WAARDE!", "#NOM?", "#NULL!"]
)
@pytest.mark.parametrize("column", ["Username", "Bio", "Hourly Rate", "Created At", "Currency"])
def test_errors_of_spreadsheets_are_refused_in_every_column(cell: str, column: str) -> None:
    columns, cells = (column, cell) if column == "Username" else (f"Username,{column}", f"ann,{cell}")
    plan = plan_of(f"{columns},Category\n{cells},x\n")
    assert "error of the spreadsheet" in plan.rejected[0].fix


@pytest.mark.parametrize(
    ("text", "encoding", "found"),
    [
        ("Zoë", "cp1252", "cp1252"),
        ("créée à l’été", "cp1252", "cp1252"),
        ("€ 120 für Müller", "cp1252", "cp1252"),
        ("Анна Королёва, инженер проектов в Москве", "cp1251", "cp1251"),
        ("Αθηνά Παπαδοπούλου, μηχανικός έργων και σύμβουλος επιχειρήσεων στην πόλη", "cp1253", "cp1253"),
        ("株式会社サンプルの山田太郎です", "shift_jis", "shift_jis"),
        ("Zoë", "utf-8", "utf-8-sig"),
        ("Zoë", "utf-8-sig", "utf-8-sig"),
        ("Zoë", "utf-16-le", "utf-16-le"),
        ("Zoë", "utf-16-be", "utf-16-be"),
    ],
)
def test_the_encoding_is_found(text: str, encoding: str, found: str) -> None:
    plan = plan_of(f"Username,First Name\nann,{text}\n".replace(", ", " ").encode(encoding))
    assert plan.table.format.encoding == found
    assert plan.new[0].first_name == text.replace(", ", " ")


def test_damage_in_a_file_of_utf_8_is_named_instead_of_guessed() -> None:
    data = "Username,First Name\n" + "".join(f"u{n},Zoë\n" for n in range(5))
    with pytest.raises(ImportFailed, match="Line 7 is not in UTF-8"):
        plan_of(data.encode() + b"bad,Zo\xeb\n")


def test_the_place_of_a_wrong_byte_is_named_far_into_a_file() -> None:
    data = ("Username,Bio\n" + f"é,{'x' * 1_000}\n" * 3_000).encode()
    with pytest.raises(ImportFailed, match=rf"Line 3002 .* \(byte {len(data) + 3} of"):
        plan_of(data + b"ab\xebc\n", encoding="utf-8-sig")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_delimiter_is_found(delimiter: str) -> None:
    plan = plan_of(f'Username{delimiter}First Name\nann{delimiter} "Ada"\n\nben{delimiter}Ben\n\n\n\x1a')
    assert plan.table.format.delimiter == delimiter
    assert [each.first_name for each in plan.new] == ["Ada", "Ben"]
    assert plan.table.notices() == ["1 blank row was skipped."]


def test_equal_cells_of_two_columns_or_kinds_are_read_for_themselves() -> None:
    plan = plan_of("Username,City,Country,Currency\nann,NL,NL,eur\nben,nl,nl,EUR\ncid,NL,,\ndee,NL,NL,eur\n")
    assert [(each.city, each.country, each.currency) for each in plan.new] == [
        ("NL", "NL", "EUR"),
        ("nl", "NL", "EUR"),
        ("NL", "", ""),
        ("NL", "NL", "EUR"),
    ]
    plan = plan_of(
        excel(("A", [["Username", "City", "Hourly Rate"], ["ann", 1, "1"], ["ben", "1", 1], ["cid", 1.5, 1.5]]))
    )
    assert [(each.city, each.hourly_rate) for each in plan.new] == [("1", 1), ("1", 1), ("1.5", Decimal("1.5"))]


def test_a_value_that_is_wrong_in_many_rows_is_refused_in_each() -> None:
    plan = plan_of("Username,Country\nann,Nowhere\nben,NL\ncid,Nowhere\n")
    assert [(each.line, each.value) for each in plan.rejected] == [(2, "Nowhere"), (4, "Nowhere")]


HOSTS = (
    "a",
    "a.b",
    "a.bc",
    "-a.bc",
    "a-.bc",
    "a.b-c",
    "a.1c",
    "a..bc",
    ".bc",
    "a.bc.",
    "é.bc",
    "a_b.bc",
    "xn--p1ai.bc",
)
HOSTS += (f"{'a' * 63}.bc", f"{'a' * 64}.bc", "a.xn--p1ai", "127.0.0.1", "[::1]", "u:p@a.bc", "a.bc:80", "a.bc:x")


@pytest.mark.parametrize("host", HOSTS)
def test_plain_web_addresses_are_judged_as_django_does(host: str) -> None:
    django = URLValidator(schemes=["http", "https"])
    for scheme, path in product(
        ("http://", "HTTPS://", "ftp://", "http:/"), ("", "/", "/a b", "?q=[", "#\n", "/é", "x")
    ):
        address = f"{scheme}{host}{path}"
        assert valid(check_url, address) == valid(django, address), address


def valid(check: Callable[[str], None], address: str) -> bool:
    try:
        check(address)
    except ValidationError:
        return False
    return True
