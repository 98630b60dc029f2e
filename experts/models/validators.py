"""What the fields of an expert may hold, for the database, the admin, the import and the API alike."""

from __future__ import annotations

import re
from datetime import date

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext_lazy as _

from experts import iso_codes

FIRST_YEAR, LAST_YEAR = 1900, 2200
"""The years that dates of an expert may have: others cannot be shown in every time zone."""
YEARS = _("The year must be from 1900 to 2200.")
MAX_LINKS = 10
_PHONE = re.compile(r"[+(]?\d[\d ()./\-]*(\s?(ext|x|#|tst|toestel)\.?\s?\d+)?", re.IGNORECASE)
_is_url = URLValidator(schemes=["http", "https"])
_PLAIN_URL = re.compile(
    r"https?://(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}(?:[/?#][!-~]*)?", re.ASCII | re.IGNORECASE
)
_LONGEST_PLAIN = 250


def check_url(value: str) -> None:
    """Raises ValidationError unless `value` is a web address.

    Most are plain, which their looks show; Django's validator, which judges the others, takes ten times as long.
    """
    if len(value) > _LONGEST_PLAIN or not _PLAIN_URL.fullmatch(value):
        _is_url(value)


def check_phone(value: str) -> None:
    """Raises ValidationError unless `value` can be dialled."""
    if not _PHONE.fullmatch(value) or sum(sign.isdigit() for sign in value) < 3:
        raise ValidationError(_("Not a phone number. Use digits, such as +31 20 123 4567."))


def check_country(value: str) -> None:
    """Raises ValidationError unless `value` is an ISO code in capitals."""
    if value not in iso_codes.country_codes():
        raise ValidationError(_("Not a country. Use its ISO code, such as NL."))


def check_languages(value: str) -> None:
    """Raises ValidationError unless `value` is ISO codes with single spaces between them, each of them once."""
    codes = value.split(" ")
    if len(set(codes)) != len(codes) or not iso_codes.language_codes().issuperset(codes):
        raise ValidationError(_("Not a list of languages. Use their ISO codes, such as: nl, en."))


def check_date(value: date) -> None:
    """Raises ValidationError for a year outside FIRST_YEAR to LAST_YEAR."""
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValidationError(YEARS)


def check_links(value: str) -> None:
    """Raises ValidationError unless `value` is at most MAX_LINKS web addresses, one on each line."""
    links = value.split("\n")
    if len(links) > MAX_LINKS:
        raise ValidationError(_("At most %(most)s links are kept."), params={"most": MAX_LINKS})
    for link in links:
        try:
            check_url(link)
        except ValidationError:
            raise ValidationError(
                _("“%(link)s” is not a valid web address. Include https://, for example https://example.org/me."),
                params={"link": link[:60]},
            ) from None
