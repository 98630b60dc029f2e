"""Usernames, names and places for rows that have none: made from other cells, the same ones each time."""

from __future__ import annotations

import re
import unicodedata

from experts import iso_codes
from experts.importing.columns import EMAIL, FULL_NAME, LOCATION
from experts.importing.source_rows import Cell

_LETTERS_OF_THEIR_OWN = str.maketrans(
    {"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "ł": "l", "ı": "i", "þ": "th"}
)
_ACCENTS = re.compile("[\u0300-\u036f]")
_BEFORE_ADDRESS = re.compile(r"^(.*<|\s*mailto:)", re.IGNORECASE)
_PARTICLES = frozenset(
    ("van", "de", "den", "der", "het", "'t", "ter", "ten", "te", "von", "vom", "zu", "zum", "zur")
    + ("da", "das", "di", "do", "dos", "du", "des", "le", "la")
)
"""Words of a last name that lists sorted by last name put behind the first name."""


def makes_usernames(fields: tuple[str, ...]) -> bool:
    """Whether the usernames of a file with these columns are made: then equal ones may be of different people."""
    return "username" not in fields


def without_sources(cells: dict[str, Cell]) -> dict[str, Cell]:
    """The cells of a row with those that its e-mail address, full name and location stand for."""
    if "username" in cells and FULL_NAME not in cells and LOCATION not in cells:
        return cells
    made = {name: cell for name, cell in cells.items() if name not in (FULL_NAME, LOCATION)}
    if FULL_NAME in cells and not {"first_name", "last_name"}.intersection(cells):
        made["first_name"], made["last_name"] = _divided(str(cells[FULL_NAME]))
    if LOCATION in cells and not {"city", "country"}.intersection(cells):
        made["city"], made["country"] = _city_and_country(str(cells[LOCATION]))
    if "username" not in cells:
        address = str(cells.get(EMAIL, ""))
        name = f"{made.get('first_name', '')} {made.get('last_name', '')}".strip() or str(cells.get(FULL_NAME, ""))
        return {"username": _of_address(address) or _of_name(name), **made}
    return made


def _divided(name: str) -> tuple[str, str]:
    """First and last name. “Berg, Ada van den” is sorted by the last name."""
    last, comma, first = (part.strip() for part in name.partition(","))
    if comma:
        words = first.split()
        while len(words) > 1 and words[-1].casefold() in _PARTICLES:
            last = f"{words.pop()} {last}"
        return " ".join(words), last
    first, _space, last = name.strip().partition(" ")
    return first, last.strip()


def _city_and_country(place: str) -> tuple[str, str]:
    """“Utrecht, Netherlands” is both; a place that does not end with a country is a city."""
    city, _comma, country = (part.strip() for part in place.rpartition(","))
    code = iso_codes.country_code(country)
    return (city, code) if code else (place.strip(), "")


def _of_address(address: str) -> str:
    """What stands before the @, without what a mail server ignores after a +."""
    address = _BEFORE_ADDRESS.sub("", address)
    return address.strip().partition("@")[0].partition("+")[0].casefold() if "@" in address else ""


def _of_name(name: str) -> str:
    """“Ada van den Berg” becomes “ada-van-den-berg”; letters of other alphabets stay, with their vowel signs."""
    apart = unicodedata.normalize("NFKD", name.lower().translate(_LETTERS_OF_THEIR_OWN))
    plain = unicodedata.normalize("NFC", _ACCENTS.sub("", apart))
    kept = (sign if sign.isalnum() or sign == "_" or unicodedata.category(sign)[0] == "M" else " " for sign in plain)
    return "-".join("".join(kept).split())
