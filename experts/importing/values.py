"""Converts the cells of a row into values for the fields of `Expert`, or says what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext as _

from experts.importing.cells import shorten
from experts.importing.columns import HEADINGS
from experts.importing.errors import Rejection
from experts.importing.tables import ImportRow
from experts.models import Expert

_AMOUNT = re.compile(r"[0-9]+(\.[0-9]+)?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_LINE_BREAKS = re.compile(r"[\r\n]+")
_CENT = Decimal("0.01")
LONGEST_CELL = 25_000
"""Characters: more than any field takes, with white space around line breaks. Checked before anything else."""
_is_url = URLValidator(schemes=["http", "https"])


class InvalidValue(Exception):
    """A value that its field cannot have; `str(error)` says why and how to fix it."""


def read_values(row: ImportRow) -> tuple[dict[str, Any], list[Rejection]]:
    """Field -> value for the columns of the file, and a rejection for each value that is invalid."""
    values: dict[str, Any] = {}
    problems: list[Rejection] = []
    username = row.cells["username"]
    for name, cell in row.cells.items():
        try:
            _check_length(cell, LONGEST_CELL)
            values[name] = _READERS.get(name, _line)(name, cell)
        except InvalidValue as error:
            problems.append(Rejection(row.line, HEADINGS[name], shorten(cell), str(error), username))
    if values.get("created_at", ...) is None:
        del values["created_at"]
    return values, problems


def _text(name: str, cell: str) -> str:
    """Line breaks become "\\n", as in texts that the admin saves, so that the same text does not count as changed."""
    if "\0" in cell:
        raise InvalidValue(_("Contains a NUL character. Remove it."))
    text = cell.replace("\r\n", "\n").replace("\r", "\n")
    limit = getattr(Expert._meta.get_field(name), "max_length", None)
    if limit is not None:
        _check_length(text, limit)
    return text


def _check_length(text: str, limit: int) -> None:
    if len(text) > limit:
        raise InvalidValue(
            _("Too long: %(length)s characters. At most %(limit)s are allowed.")
            % {"length": len(text), "limit": limit}
        )


def _line(name: str, cell: str) -> str:
    """Line breaks become spaces, with the white space around them."""
    lines = (line.strip() for line in _LINE_BREAKS.split(cell))
    return _text(name, " ".join(line for line in lines if line))


def _username(name: str, cell: str) -> str:
    if not cell:
        raise InvalidValue(_("Every expert needs a username."))
    return _line(name, cell)


def _rate(name: str, cell: str) -> Decimal | None:
    if not cell:
        return None
    if re.fullmatch(r"-" + _AMOUNT.pattern, cell):
        raise InvalidValue(_("A rate cannot be negative."))
    if not _AMOUNT.fullmatch(cell):
        raise InvalidValue(_("Not a number. Use digits only, for example 1250.50."))
    amount = Decimal(cell)
    if amount >= 10**8:
        raise InvalidValue(_("Too large. It must be below 100000000."))
    if amount != amount.quantize(_CENT):
        raise InvalidValue(_("Too many decimals. Round it to two."))
    return amount.quantize(_CENT)


def _currency(name: str, cell: str) -> str:
    if cell and not _CURRENCY.fullmatch(cell.upper()):
        raise InvalidValue(_("Not a three-letter ISO currency code such as EUR."))
    return cell.upper()


def _url(name: str, cell: str) -> str:
    text = _text(name, cell)
    if text:
        try:
            _is_url(text)
        except ValidationError:
            raise InvalidValue(
                _("Not a valid web address. Include https://, for example https://example.org/me.")
            ) from None
    return text


def _moment(name: str, cell: str) -> datetime | None:
    """An aware datetime in UTC; without an offset the cell is taken as UTC, without a time as midnight."""
    if not cell:
        return None
    try:
        moment = datetime.fromisoformat(cell)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidValue(_("Not a valid date. Use 2024-05-31 or 2024-05-31T14:30:00+02:00.")) from None


_READERS: dict[str, Callable[[str, str], Any]] = {
    "username": _username,
    "bio": _text,
    "hourly_rate": _rate,
    "currency": _currency,
    "profile_url": _url,
    "photo_url": _url,
    "created_at": _moment,
}
