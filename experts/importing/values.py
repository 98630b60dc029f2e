"""The cells of one row to values for `Expert`, or the reasons why not."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext as _

from experts.importing.tables import HEADINGS, Rejection, Row, shown
from experts.models import Expert

_AMOUNT = re.compile(r"[0-9]+(\.[0-9]+)?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_CENT = Decimal("0.01")
_is_url = URLValidator(schemes=["http", "https"])


class Unfit(Exception):
    """A value that its field cannot have; `str(error)` is the mend."""


def read_values(row: Row) -> tuple[dict[str, Any], list[Rejection]]:
    """Field to value for the columns that the file has, and everything that is wrong with the row."""
    values: dict[str, Any] = {}
    problems: list[Rejection] = []
    username = row.cells["username"]
    for name, cell in row.cells.items():
        try:
            values[name] = _READERS.get(name, _line)(name, cell)
        except Unfit as error:
            problems.append(Rejection(row.line, HEADINGS[name], shown(cell), str(error), username))
    if values.get("created_at", ...) is None:
        del values["created_at"]
    return values, problems


def _text(name: str, cell: str) -> str:
    """Line ends become "\\n", as in what the admin saves, so that neither sees the other's text as changed."""
    if "\0" in cell:
        raise Unfit(_("There is a NUL character in it: remove it."))
    text = cell.replace("\r\n", "\n").replace("\r", "\n")
    limit = getattr(Expert._meta.get_field(name), "max_length", None)
    if limit is not None and len(text) > limit:
        raise Unfit(
            _("It has %(length)s characters, %(limit)s fit: shorten it.") % {"length": len(text), "limit": limit}
        )
    return text


def _line(name: str, cell: str) -> str:
    return _text(name, re.sub(r"\s*[\r\n]+\s*", " ", cell))


def _username(name: str, cell: str) -> str:
    if not cell:
        raise Unfit(_("Every expert needs a username: fill it in."))
    return _line(name, cell)


def _rate(name: str, cell: str) -> Decimal | None:
    if not cell:
        return None
    if re.fullmatch(r"-" + _AMOUNT.pattern, cell):
        raise Unfit(_("A rate cannot be negative."))
    if not _AMOUNT.fullmatch(cell):
        raise Unfit(
            _("It is not a number: write digits with a point before the cents, such as 1250.50, and nothing else.")
        )
    amount = Decimal(cell)
    if amount >= 10**8:
        raise Unfit(_("It is too large: below 100000000 fits."))
    if amount != amount.quantize(_CENT):
        raise Unfit(_("It has more than two decimals: round it."))
    return amount.quantize(_CENT)


def _currency(name: str, cell: str) -> str:
    if cell and not _CURRENCY.fullmatch(cell.upper()):
        raise Unfit(_("It is no ISO code of three letters, such as EUR."))
    return cell.upper()


def _url(name: str, cell: str) -> str:
    text = _text(name, cell)
    if text:
        try:
            _is_url(text)
        except ValidationError:
            raise Unfit(_("It is no web address: write it in full, such as https://example.org/me.")) from None
    return text


def _moment(name: str, cell: str) -> datetime | None:
    """An aware datetime; one without an offset is UTC, one without a time is midnight."""
    if not cell:
        return None
    try:
        moment = datetime.fromisoformat(cell)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unfit(_("It is no date: write 2024-05-31, or 2024-05-31T14:30:00+02:00.")) from None


_READERS: dict[str, Callable[[str, str], Any]] = {
    "username": _username,
    "bio": _text,
    "hourly_rate": _rate,
    "currency": _currency,
    "profile_url": _url,
    "photo_url": _url,
    "created_at": _moment,
}
