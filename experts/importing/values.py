"""Converts the cells of a row into values for the fields of `Expert`, or says what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any
from urllib.parse import quote

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from experts.identity import clean_username
from experts.importing.amounts import amount_value, check_amount, currency_of, decimal_mark, read_amount
from experts.importing.cells import shorten
from experts.importing.columns import HEADINGS
from experts.importing.conventions import DATES, Conventions
from experts.importing.errors import Rejection
from experts.importing.invalid import InvalidValue, NeedsChoice
from experts.importing.made import without_sources
from experts.importing.moments import read_moment
from experts.importing.source_rows import Cell
from experts.importing.tables import ImportRow
from experts.models import Expert
from experts.models.validators import check_url
from experts.written_values import READERS

_CURRENCY = re.compile(r"[A-Z]{3}")
_LINE_BREAKS = re.compile(r"[\r\n]+")
_ERROR_CELL = re.compile(
    r"#(N/A|NV|NB|ND|REF!|VERW!|BEZUG!|NAME\?|NAAM\?|NOM\s?\?|VALUE!|WAARDE!|WERT!|VALEUR\s?!|DIV/0\s?!|DEEL/0!|NUM!|"
    r"NOMBRE\s?!|GETAL!|ZAHL!|NULL!|NUL\s?!|LEEG!|SPILL!|CALC!|FIELD!|BLOCKED!|CONNECT!|UNKNOWN!|BUSY!|GETTING_DATA)"
)
"""What spreadsheets show in place of a value that they could not compute, in English, Dutch, German and French."""
URLS = ("profile_url", "photo_url")
LONGEST_CELL = 25_000
"""Characters: more than any field takes, with white space around line breaks. Checked before anything else."""
_REPEATED = frozenset(
    ("first_name", "last_name", "job_title", "company", "hourly_rate", "currency", "category", "city", "country")
    + ("languages", "availability", "available_from", "created_at")
)
"""The fields of which many rows of a file have the same values."""
LONGEST_REPEATED = 255
"""Characters of what is remembered of one cell."""
LONGEST_WRITTEN = 3_000
"""Characters of what `experts.written_values` reads: its patterns are for short texts."""
_NOT_IN_URLS = re.compile(r'[ \u00a0"<>\\^`{|}]')
"""What browsers encode themselves when people paste an address."""


Reader = Callable[[str, Cell], Any]
"""Field and cell -> the value. Raises InvalidValue."""


def value_reader(conventions: Conventions) -> Reader:
    """Reads the cells of one file; what many rows have in common, such as a country, is worked out once."""

    @lru_cache(maxsize=20_000, typed=True)
    def known(name: str, cell: Cell) -> Any:
        return read_value(name, cell, conventions)

    def read(name: str, cell: Cell) -> Any:
        if cell == "" or (name in _REPEATED and (not isinstance(cell, str) or len(cell) <= LONGEST_REPEATED)):
            return known(name, cell)
        return read_value(name, cell, conventions)

    return read


def read_values(row: ImportRow, read: Reader) -> tuple[dict[str, Any], list[Rejection]]:
    """Field -> value for the columns of the file, and a rejection for each value that is invalid."""
    values: dict[str, Any] = {}
    problems: list[Rejection] = []
    cells = without_sources(row.cells)
    username = str(cells["username"])
    for name, cell in cells.items():
        try:
            values[name] = read(name, cell)
        except InvalidValue as error:
            asks = isinstance(error, NeedsChoice)
            problems.append(Rejection(row.line, HEADINGS[name], shorten(str(cell)), str(error), username, asks))
    if cells.get("hourly_rate"):
        _add_currency(row.line, cells, values, problems)
    for name in ("created_at", *URLS, "links"):
        if values.get(name, ...) is None:
            del values[name]
    return values, problems


def read_value(name: str, cell: Cell, conventions: Conventions) -> Any:
    """The value of one cell for the field `name`. Raises InvalidValue."""
    if isinstance(cell, str):
        _check_length(cell, LONGEST_CELL)
        if cell.startswith("#") and _ERROR_CELL.fullmatch(cell):
            raise InvalidValue(_("An error of the spreadsheet, not a value. Correct or empty the cell."))
    if name == "hourly_rate":
        return _rate(cell, conventions)
    text = str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
    if name in DATES:
        moment = _moment(text, conventions)
        return (
            timezone.localdate(moment, timezone.get_default_timezone()) if moment and name != "created_at" else moment
        )
    if name in URLS:
        return _url(name, text, conventions)
    if name == "links" and conventions.drop_bad_urls:
        return _dropped_if_bad(name, text)
    return _READERS.get(name, _line)(name, text)


def _text(name: str, cell: str) -> str:
    """Line breaks become "\\n", as in texts that the admin saves, so that the same text does not count as changed."""
    if "\0" in cell:
        raise InvalidValue(_("Contains a NUL character. Remove it."))
    text = cell.replace("\r\n", "\n").replace("\r", "\n") if "\r" in cell else cell
    limit = _limit(name)
    if limit is not None:
        _check_length(text, limit)
    return text


@cache
def _limit(name: str) -> int | None:
    limit: int | None = getattr(Expert._meta.get_field(name), "max_length", None)
    return limit


def _check_length(text: str, limit: int) -> None:
    if len(text) > limit:
        raise InvalidValue(
            _("Too long: %(length)s characters. At most %(limit)s are allowed.")
            % {"length": len(text), "limit": limit}
        )


def _line(name: str, cell: str) -> str:
    """Line breaks become spaces, with the white space around them."""
    if "\n" not in cell and "\r" not in cell:
        return _text(name, cell.strip())
    lines = (line.strip() for line in _LINE_BREAKS.split(cell))
    return _text(name, " ".join(line for line in lines if line))


def _username(name: str, cell: str) -> str:
    username = clean_username(_line(name, cell))
    if not username:
        raise InvalidValue(_("Every expert needs a username."))
    return username


def _rate(cell: Cell, conventions: Conventions) -> Decimal | None:
    if cell == "":
        return None
    if not isinstance(cell, str):
        return check_amount(Decimal(repr(round(cell, 6))))
    digits = read_amount(cell).digits
    mark = decimal_mark(digits)
    if sum(sign in ".," for sign in digits) > 1:
        return amount_value(digits, mark)
    if mark and not conventions.decimal:
        raise NeedsChoice(_("Is the mark in this number a decimal mark? Choose it under “How the file is read”."))
    return amount_value(digits, conventions.decimal or ".")


def _add_currency(line: int, cells: dict[str, Cell], values: dict[str, Any], problems: list[Rejection]) -> None:
    """The currency that stands beside the rate, in the same cell."""
    cell = cells["hourly_rate"]
    if "hourly_rate" not in values or not isinstance(cell, str) or ("currency" in cells and "currency" not in values):
        return
    try:
        currency = currency_of(read_amount(cell), values.get("currency", ""))
    except InvalidValue as error:
        problems.append(Rejection(line, HEADINGS["hourly_rate"], shorten(cell), str(error), str(cells["username"])))
        return
    if currency:
        values["currency"] = currency


def _currency(name: str, cell: str) -> str:
    if cell and not _CURRENCY.fullmatch(cell.upper()):
        raise InvalidValue(_("Not a three-letter ISO currency code such as EUR."))
    return cell.upper()


def _written(name: str, cell: str) -> str:
    """What `experts.written_values` makes of the cell."""
    _check_length(cell, LONGEST_WRITTEN)
    try:
        return _text(name, READERS[name](_text("bio", cell)))
    except ValidationError as error:
        raise InvalidValue(" ".join(error.messages)) from None


def _dropped_if_bad(name: str, cell: str) -> str | None:
    try:
        return _written(name, cell)
    except InvalidValue:
        return None


def _url(name: str, cell: str, conventions: Conventions) -> str | None:
    """The address with spaces and the like encoded; None for one that cannot be one, if these are dropped."""
    if not cell:
        return ""
    try:
        text = _text(name, _NOT_IN_URLS.sub(lambda sign: quote(sign[0]), cell))
        check_url(text)
    except (ValidationError, InvalidValue) as error:
        if conventions.drop_bad_urls:
            return None
        if isinstance(error, InvalidValue):
            raise
        raise InvalidValue(
            _("Not a valid web address. Include https://, for example https://example.org/me.")
        ) from None
    return text


def _moment(cell: str, conventions: Conventions) -> datetime | None:
    if not cell:
        return None
    return read_moment(cell, month_first=conventions.month_first, zone=timezone.get_default_timezone())


_READERS: dict[str, Callable[[str, str], Any]] = {
    "username": _username,
    "bio": _text,
    "currency": _currency,
    **dict.fromkeys(READERS, _written),
}
