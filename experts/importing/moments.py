"""Dates and times as people and programs write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from django.utils.translation import gettext as _

from experts.importing.invalid import InvalidValue
from experts.models import FIRST_YEAR, LAST_YEAR

_TIME = (
    r"(?:(?:\s*[T,]\s*|\s+)(?:at\s+|om\s+|um\s+|à\s+)?(?P<hour>\d{1,2})[:.h](?P<minute>\d{2})(?::(?P<second>\d{2})"
    r"(?:[.,](?P<fraction>\d{1,9}))?)?\s*(?:uur|uhr)?\s*(?P<half>[ap]\.?m\.?)?\s*"
    r"(?P<zone>Z|UTC|GMT|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?)?)?"
)
_WEEKDAY = r"(?:[^\W\d_]+\.?,?\s+)?"
_YEAR_FIRST = re.compile(
    rf"(?P<year>\d{{4}})(?P<mark>[-/.])(?P<month>\d{{1,2}})(?P=mark)(?P<day>\d{{1,2}}){_TIME}", re.I
)
_YEAR_LAST = re.compile(
    rf"(?P<one>\d{{1,2}})(?P<mark>[-/.])(?P<two>\d{{1,2}})(?P=mark)(?P<year>\d{{4}}){_TIME}", re.I
)
_DAY_NAMED = re.compile(
    rf"{_WEEKDAY}(?P<day>\d{{1,2}})(?:\.|er|st|nd|rd|th)?[\s-]+(?P<name>[^\W\d_]+)\.?,?[\s-]+(?P<year>\d{{4}}){_TIME}",
    re.I,
)
_MONTH_NAMED = re.compile(
    rf"{_WEEKDAY}(?P<name>[^\W\d_]+)\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}}){_TIME}", re.I
)
_NUMBER = re.compile(r"\d{5}(?:\.\d+)?")
_SINCE_1970 = re.compile(r"1\d{9}(?:\d{3})?")
LONGEST = 100
"""Characters: more than any date has, and few enough for every pattern."""
_FIRST_SERIAL = 10_000
"""Day numbers of spreadsheets below it (before 1927) are more likely years or other numbers."""
_DAY_ZERO = datetime(1899, 12, 30)
_MONTHS = (
    "january jan januari januar jänner janvier janv",
    "february feb februari februar février fevrier févr",
    "march mar maart mrt märz maerz mär mars",
    "april apr avril avr",
    "may mei mai",
    "june jun juni juin",
    "july jul juli juillet juil",
    "august aug augustus août aout",
    "september sep sept septembre",
    "october oct oktober okt octobre",
    "november nov novembre",
    "december dec dezember dez décembre decembre déc",
)
"""In English, Dutch, German and French."""
_MONTH_OF = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}


def first_of_two(cell: str) -> str:
    """Whether “day” or “month” must come first in a date such as 31/05/2024; “?” for 03/04/2024; "" elsewhere."""
    found = _YEAR_LAST.fullmatch(cell) if len(cell) <= LONGEST else None
    if not found:
        return ""
    one, two = int(found["one"]), int(found["two"])
    if one > 12 or two > 12:
        return "day" if two <= 12 else "month" if one <= 12 else ""
    return "day" if found["mark"] == "." or one == two else "?"


def read_moment(cell: str, *, month_first: bool, zone: tzinfo) -> datetime:
    """An aware datetime in UTC; without a zone in the cell it is in `zone`, without a time at midnight.

    Raises InvalidValue for what is not a date, and for years outside FIRST_YEAR to LAST_YEAR.
    """
    if len(cell) > LONGEST:
        raise InvalidValue(_not_a_date("", month_first))
    try:
        moment = _serial(cell) or _since_1970(cell) or _written(cell, month_first) or datetime.fromisoformat(cell)
        aware = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment
        if not FIRST_YEAR <= aware.year <= LAST_YEAR:
            raise InvalidValue(_years())
        in_utc = aware.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidValue(_not_a_date(cell, month_first)) from None
    if not FIRST_YEAR <= in_utc.year <= LAST_YEAR:
        raise InvalidValue(_years())
    return in_utc


def _serial(cell: str) -> datetime | None:
    """The day number of a spreadsheet, in whole seconds."""
    if not _NUMBER.fullmatch(cell) or float(cell) < _FIRST_SERIAL:
        return None
    return _DAY_ZERO + timedelta(seconds=round(float(cell) * 86_400))


def _since_1970(cell: str) -> datetime | None:
    if not _SINCE_1970.fullmatch(cell):
        return None
    return datetime.fromtimestamp(int(cell[:10]), UTC)


def _written(cell: str, month_first: bool) -> datetime | None:
    if found := _YEAR_FIRST.fullmatch(cell):
        return _moment(found.groupdict(), int(found["month"]), int(found["day"]))
    if found := _YEAR_LAST.fullmatch(cell):
        one, two = int(found["one"]), int(found["two"])
        month, day = (one, two) if month_first and found["mark"] != "." else (two, one)
        return _moment(found.groupdict(), month, day)
    for pattern in (_DAY_NAMED, _MONTH_NAMED):
        if (found := pattern.fullmatch(cell)) and (named := _MONTH_OF.get(found["name"].casefold())):
            return _moment(found.groupdict(), named, int(found["day"]))
    return None


def _moment(parts: Mapping[str, str | None], month: int, day: int) -> datetime:
    """Raises ValueError for a day or time that does not exist."""
    hour = int(parts["hour"] or 0)
    if half := parts["half"]:
        if not 1 <= hour <= 12:
            raise ValueError
        hour = hour % 12 + (12 if half[0] in "pP" else 0)
    micro = int((parts["fraction"] or "0")[:6].ljust(6, "0"))
    return datetime(
        int(parts["year"] or 0),
        month,
        day,
        hour,
        int(parts["minute"] or 0),
        int(parts["second"] or 0),
        micro,
        _zone(parts["zone"]),
    )


def _zone(written: str | None) -> timezone | None:
    if not written:
        return None
    offset = written.upper().removeprefix("UTC").removeprefix("GMT")
    if offset in ("", "Z"):
        return UTC
    digits = offset[1:].replace(":", "")
    hours, minutes = (int(digits[:-2]), int(digits[-2:])) if len(digits) > 2 else (int(digits), 0)
    if minutes > 59:
        raise ValueError
    return timezone((-1 if offset[0] == "-" else 1) * timedelta(hours=hours, minutes=minutes))


def _years() -> str:
    return _("The year must be from %(first)s to %(last)s.") % {"first": FIRST_YEAR, "last": LAST_YEAR}


def _not_a_date(cell: str, month_first: bool) -> str:
    if first_of_two(cell) == "day" and month_first:
        return _("Not a valid date in a file with the month first. Use YYYY-MM-DD, or choose “day first”.")
    if first_of_two(cell) == "month" and not month_first:
        return _("Not a valid date in a file with the day first. Use YYYY-MM-DD, or choose “month first”.")
    return _("Not a valid date. Use 2024-05-31 or 2024-05-31T14:30:00+02:00.")
