"""Contacts, places, languages and links as people write them, made into what the fields of an expert hold.

Each function returns "" for an empty text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import parseaddr

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from experts import iso_codes
from experts.models.validators import check_links, check_phone

_BETWEEN_LANGUAGES = re.compile(r"\s*[,;/|\n]\s*|\s+(?:and|en|und|et|&|\+)\s+(?=\S)")
_REMARK = re.compile(r"\s*\([^()]*\)")
"""How well somebody speaks a language."""
_BETWEEN_LINKS = re.compile(r"[\s,;]+(?=https?://)|\s+", re.IGNORECASE)


def read_email(text: str) -> str:
    """One address, also of “Ada Berg <ada@example.org>” and “mailto:ada@example.org”. Raises ValidationError."""
    if not text:
        return ""
    address = parseaddr(text.strip())[1] if "<" in text else text.strip()
    address = re.sub("^mailto:", "", address, flags=re.IGNORECASE)
    try:
        validate_email(address)
    except ValidationError:
        raise ValidationError(_("Not an e-mail address. Use one such as ada@example.org.")) from None
    return address


def read_phone(text: str) -> str:
    """The number with single spaces and plain hyphens. Raises ValidationError."""
    number = " ".join(re.sub("^tel:", "", text.strip(), flags=re.IGNORECASE).split())
    number = re.sub("[\u2010-\u2015\u2212]", "-", number)
    if number:
        check_phone(number)
    return number


def read_country(text: str) -> str:
    """The ISO code of a country, by a code or a name in English, Dutch, German or French. Raises ValidationError."""
    code = iso_codes.country_code(text) if text else ""
    if text and not code:
        raise ValidationError(_("Not a country. Use its ISO code, such as NL."))
    return code


def read_languages(text: str) -> str:
    """The ISO codes of languages, by codes or names in the same languages, in their order; what is in brackets, such
    as “(fluent)”, is left out. Raises ValidationError."""
    parts = [part for part in _BETWEEN_LANGUAGES.split(_REMARK.sub("", text).strip()) if part]
    if len(parts) == 1 and not iso_codes.language_code(parts[0]):
        parts = parts[0].split()
    codes = {}
    for part in parts:
        code = iso_codes.language_code(part)
        if not code:
            raise ValidationError(
                _("“%(language)s” is not a language. Use ISO codes, such as: nl, en."), params={"language": part[:60]}
            )
        codes[code] = True
    return " ".join(codes)


def read_links(text: str) -> str:
    """The web addresses, one on each line, each of them once. Raises ValidationError."""
    links = "\n".join(dict.fromkeys(filter(None, _BETWEEN_LINKS.split(text.strip()))))
    if links:
        check_links(links)
    return links


READERS: dict[str, Callable[[str], str]] = {
    "email": read_email,
    "phone": read_phone,
    "country": read_country,
    "languages": read_languages,
    "links": read_links,
}
"""Field -> its reader."""
