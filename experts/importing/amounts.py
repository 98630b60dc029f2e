"""Amounts of money as people write them: decimal point or comma, thousands marks, a currency before or after."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from django.utils.translation import gettext as _

from experts.importing.invalid import InvalidValue

_CENT = Decimal("0.01")
LONGEST = 100
"""Characters: more than any amount has, and few enough for every pattern."""
_SPACES = " \u00a0\u2007\u2009\u202f"
_APOSTROPHES = "'\u2019\u02bc`\u00b4"
_NAME = r"(?:[^\d,.+-]|(?<=[^\W\d_])\.)*"
_SHAPE = re.compile(rf"({_NAME})([+-]?)({_NAME})([\d.,]+)(\D*)")
_GROUPS = re.compile(
    r"[1-9]\d{0,2}(?P<mark>[.,])\d{3}(?:(?P=mark)\d{3})*|[1-9]\d?(?P<two>[.,])(?:\d{2}(?P=two))+\d{3}"
)
"""Digits in threes, or as in India: the last three, and twos before them."""
_SIGNS = {
    "€": "EUR",
    "£": "GBP",
    "₹": "INR",
    "₽": "RUB",
    "₺": "TRY",
    "₩": "KRW",
    "₪": "ILS",
    "฿": "THB",
    "₫": "VND",
    "₴": "UAH",
    "₱": "PHP",
    "₦": "NGN",
    "zł": "PLN",
    "zl": "PLN",
    "kč": "CZK",
    "kc": "CZK",
    "ft": "HUF",
    "fr": "CHF",
    "fr.": "CHF",
    "sfr.": "CHF",
    "us$": "USD",
    "a$": "AUD",
    "au$": "AUD",
    "c$": "CAD",
    "ca$": "CAD",
    "nz$": "NZD",
    "hk$": "HKD",
    "s$": "SGD",
    "r$": "BRL",
    "euro": "EUR",
    "euros": "EUR",
    "dollar": "USD",
    "dollars": "USD",
    "rp": "IDR",
    "rp.": "IDR",
}
_SEVERAL = {
    "$": ("USD", "CAD", "AUD", "NZD", "HKD", "SGD", "MXN"),
    "kr": ("SEK", "NOK", "DKK", "ISK"),
    "¥": ("JPY", "CNY"),
}
"""Signs of several currencies, the one that is meant where nothing else says so first; none for crowns."""
_CODE = re.compile("[A-Z]{3}")
_BARE_CROWNS = _SEVERAL["kr"]


@dataclass(frozen=True, slots=True)
class Amount:
    """What stands in a cell."""

    digits: str
    """Digits and marks, such as “1.250,50”; a minus before them if there is one."""
    currencies: tuple[str, ...] = ()
    """The currencies that its sign or code may mean; empty without one."""


@lru_cache(maxsize=5_000)
def read_amount(cell: str) -> Amount:
    """Take a cell apart. Raises InvalidValue if there is more in it than one amount and a currency."""
    if len(cell) > LONGEST:
        raise InvalidValue(_("Not a number. Use digits only, for example 1250.50."))
    text = unicodedata.normalize("NFKC", cell).strip()
    if not text.isascii():
        text = "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in text)
        text = text.replace("\u066b", ",").replace("\u066c", "'").replace("−", "-")  # noqa: RUF001
    text = re.sub(rf"(?<=\d)[{_SPACES}{_APOSTROPHES}](?=\d{{3}}(?!\d))", "", text)
    found = _SHAPE.fullmatch(text)
    if not found:
        raise InvalidValue(_("Not a number. Use digits only, for example 1250.50."))
    before, sign, between, digits, after = found.groups()
    digits = digits.rstrip(".,")  # the Dutch write 120,-
    names = [name for each in (before, between, after) if (name := each.strip(_SPACES + "-—–"))]  # noqa: RUF001
    if len(names) > 1 or not digits or not digits[0].isdecimal():
        raise InvalidValue(_("Not a number. Use digits only, for example 1250.50."))
    if sign == "-":
        raise InvalidValue(_("A rate cannot be negative."))
    return Amount(digits, _currencies(names[0]) if names else ())


def _currencies(name: str) -> tuple[str, ...]:
    folded = name.casefold()
    if folded in _SIGNS:
        return (_SIGNS[folded],)
    if folded.rstrip(".") in _SEVERAL:
        return _SEVERAL[folded.rstrip(".")]
    if _CODE.fullmatch(name.upper()) and name.isascii():
        return (name.upper(),)
    raise InvalidValue(
        _("Only an amount and a currency can stand here, for example 1250.50 or 1250.50 EUR. Remove “%(text)s”.")
        % {"text": name[:20]}
    )


def decimal_mark(digits: str) -> str:
    """What stands before the cents: “.”, “,”, "" if there are none, or “?” if it could be either.

    “1.250,50” and “95,5” say it themselves. “1.250” may be a thousand, or one and a quarter.
    """
    marks = [sign for sign in digits if sign in ".,"]
    if not marks:
        return ""
    if len(set(marks)) == 2:
        return marks[-1]
    other = "," if marks[0] == "." else "."
    if len(marks) > 1:
        return other  # 1.250.000 has thousands marks
    whole, cents = re.split("[.,]", digits)
    return "?" if len(cents) == 3 and len(whole) <= 3 else marks[0]


def currency_of(amount: Amount, stated: str) -> str:
    """The currency of an amount whose row states `stated` or "". Raises InvalidValue where they differ."""
    if not amount.currencies or stated in amount.currencies:
        return stated
    if stated:
        raise InvalidValue(
            _("The rate is in %(amount)s, but the currency of the row is %(stated)s. Correct one of the two.")
            % {"amount": amount.currencies[0], "stated": stated}
        )
    if amount.currencies == _BARE_CROWNS:
        raise InvalidValue(_("Which crowns are meant? Write the code, for example SEK, NOK or DKK."))
    return amount.currencies[0]


def amount_value(digits: str, decimal: str) -> Decimal:
    """The number, with this decimal mark, which is the last one if there are two kinds.

    Raises InvalidValue if the digits do not fit it, or are out of bounds.
    """
    whole, _mark, cents = digits.rpartition(decimal) if decimal in digits else (digits, "", "0")
    if not whole.isdecimal():
        if not _GROUPS.fullmatch(whole) or decimal in whole:
            raise InvalidValue(
                _("Does not fit the file’s decimal mark (“%(mark)s”). Write 1250%(mark)s50.") % {"mark": decimal}
            )
        whole = whole.replace(".", "").replace(",", "")
    return check_amount(Decimal(f"{whole}.{cents}"))


def check_amount(amount: Decimal) -> Decimal:
    """The amount with two decimals. Raises InvalidValue if it has more, is negative or too large."""
    if amount < 0:
        raise InvalidValue(_("A rate cannot be negative."))
    if amount >= 10**8:
        raise InvalidValue(_("Too large. It must be below 100000000."))
    if amount != amount.quantize(_CENT):
        raise InvalidValue(_("Too many decimals. Round it to two."))
    return amount.quantize(_CENT)
