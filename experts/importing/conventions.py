"""How a file writes numbers and dates: worked out from all of its rows, unless somebody chose it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from experts.importing.amounts import decimal_mark, read_amount
from experts.importing.errors import Rejection
from experts.importing.invalid import InvalidValue
from experts.importing.moments import first_of_two
from experts.importing.options import ImportOptions
from experts.importing.tables import ImportRow

DATES = ("created_at", "available_from")


@dataclass(frozen=True, slots=True)
class Conventions:
    """What holds for all rows of a file."""

    decimal: str = ""
    """“.” or “,”; "" where no amount says it, or where they contradict each other."""
    month_first: bool = False
    drop_bad_urls: bool = False
    amounts: Counter[str] = field(default_factory=Counter)
    """How many amounts have each decimal mark; “?”: they could have either."""
    amount_in_doubt: str = ""
    """The first of these."""
    dates: Counter[str] = field(default_factory=Counter)
    """The same for what comes first in dates: “day”, “month”, “?”."""
    date_in_doubt: str = ""

    @property
    def asks_for_decimal(self) -> bool:
        """The file has amounts that can be read in two ways, and nothing decides between them."""
        return not self.decimal and (self.amounts["?"] > 0 or self.contradictory)

    @property
    def contradictory(self) -> bool:
        return self.amounts["."] > 0 and self.amounts[","] > 0


def work_out(rows: Iterable[ImportRow | Rejection], fields: Iterable[str], options: ImportOptions) -> Conventions:
    """The conventions of a file with these `rows` and `fields`; reads the rows only if there is something to see."""
    amounts: Counter[str] = Counter()
    dates: Counter[str] = Counter()
    in_doubt: dict[str, str] = {}
    with_rates, with_dates = "hourly_rate" in fields, [name for name in DATES if name in fields]
    if with_rates or with_dates:
        for row in rows:
            if isinstance(row, Rejection):
                continue
            if with_rates and isinstance(cell := row.cells["hourly_rate"], str) and cell and not cell.isdecimal():
                _count(amounts, in_doubt, "amount", cell, _mark(cell))
            for name in with_dates:
                if isinstance(cell := row.cells[name], str) and cell:
                    _count(dates, in_doubt, "date", cell, first_of_two(cell))
    decimal = options.decimal or _only(amounts)
    month_first = options.dates == "month" if options.dates else bool(dates["month"] and not dates["day"])
    return Conventions(
        decimal,
        month_first,
        options.drop_bad_urls,
        amounts,
        in_doubt.get("amount", ""),
        dates,
        in_doubt.get("date", ""),
    )


def _mark(cell: str) -> str:
    try:
        return decimal_mark(read_amount(cell).digits)
    except InvalidValue:
        return ""


def _only(amounts: Counter[str]) -> str:
    """The mark that all amounts have which have one; "" if there is none, or they have both."""
    marks = [mark for mark in ".," if amounts[mark]]
    return marks[0] if len(marks) == 1 else ""


def _count(found: Counter[str], in_doubt: dict[str, str], what: str, cell: str, sign: str) -> None:
    if sign:
        found[sign] += 1
    if sign == "?":
        in_doubt.setdefault(what, cell)
