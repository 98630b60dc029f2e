"""Countries by ISO 3166-1 and languages by ISO 639: codes, names, and the codes of names that people write.

Names are those of the Unicode CLDR in the reader's language, as Babel has them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from django.conf.locale import LANG_INFO
from django.utils.translation import get_language

READ_IN = ("en", "nl", "de", "fr")
"""Languages in which names are read."""
LONGEST = 100
"""Characters: more than any name has."""
_NO_COUNTRIES = frozenset(["AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"])
"""Two letters that the CLDR has, and ISO 3166-1 has not. XK, which Kosovo uses until it has a code, stays."""
_NO_LANGUAGES = frozenset(("mul", "und", "zxx", "root"))
_OTHER_COUNTRY_NAMES = {
    "NL": "holland, the netherlands",
    "GB": "uk, great britain, england, scotland, wales, groot brittannie, engeland, schotland, grossbritannien",
    "US": "usa, america, united states of america, amerika, vs, amerique, etats unis d amerique",
    "CZ": "czech republic, tsjechische republiek, tschechische republik, republique tcheque",
    "BE": "belgique belgie",
    "KR": "korea, south korea, republic of korea",
    "RU": "russian federation",
    "VN": "viet nam",
    "TR": "turkey, turkije",
    "CI": "ivory coast",
}
_OTHER_LANGUAGE_NAMES = {
    "nl": "flemish, vlaams, flamisch, flamand",
    "zh": "mandarin, mandarijn, 中文",
    "fa": "farsi",
    "nb": "norwegian bokmal, bokmal",
    "fy": "frisian, fries",
    "es": "castilian, castellano",
}


@cache
def country_codes() -> frozenset[str]:
    """The codes of all countries, two capitals each."""
    return frozenset(code for code in _names("en", "territories") if len(code) == 2) - _NO_COUNTRIES


@cache
def language_codes() -> frozenset[str]:
    """The codes of the languages that have a name: two small letters, or three where a language has no two."""
    codes = (code for code in _names("en", "languages") if re.fullmatch("[a-z]{2,3}", code))
    return frozenset(codes) - _NO_LANGUAGES


def country_name(code: str) -> str:
    """The name of the country in the reader's language; the code itself if it is none."""
    return _names(_language(), "territories").get(code, code)


def language_name(code: str) -> str:
    """The name of the language in the reader's language; the code itself if it is none."""
    return _names(_language(), "languages").get(code, code)


def country_code(text: str) -> str:
    """The code of a country that is written as a code (of two or three letters) or a name; "" for anything else."""
    if len(text) > LONGEST:
        return ""
    code = text.strip().upper()
    (code,) = get_global("territory_aliases").get(code, [code])[:1]
    return code if code in country_codes() else _country_by_name().get(_plain(text), "")


def language_code(text: str) -> str:
    """The same for a language; of a code with a country, such as en-GB, the language."""
    if len(text) > LONGEST:
        return ""
    code = re.sub("[-_].*", "", text.strip().casefold())
    code = get_global("language_aliases").get(code, code)
    return code if code in language_codes() else _language_by_name().get(_plain(text), "")


def countries() -> list[tuple[str, str]]:
    """Code and name of all countries, by their names in the reader's language."""
    return _by_name(country_codes(), country_name)


def _by_name(codes: frozenset[str], name: Callable[[str], str]) -> list[tuple[str, str]]:
    return sorted(((code, name(code)) for code in codes), key=lambda pair: _plain(pair[1]))


@cache
def _country_by_name() -> dict[str, str]:
    return _codes_by_name("territories", country_codes(), _OTHER_COUNTRY_NAMES)


@cache
def _language_by_name() -> dict[str, str]:
    """Also by what each language calls itself, as far as Django knows."""
    found = _codes_by_name("languages", language_codes(), _OTHER_LANGUAGE_NAMES)
    for code, about in LANG_INFO.items():
        language = code.partition("-")[0]
        if "name_local" in about and language in language_codes():
            found.setdefault(_plain(about["name_local"]), language)
    return found


def _codes_by_name(kind: str, codes: frozenset[str], others: dict[str, str]) -> dict[str, str]:
    """Plain name -> code."""
    found = {_plain(name): code for code, names in others.items() for name in names.split(", ")}
    for language in READ_IN:
        for code, name in _names(language, kind).items():
            if code in codes:
                found.setdefault(_plain(name), code)
    return found


@lru_cache(maxsize=64)
def _names(language: str, kind: str) -> dict[str, str]:
    """Code -> name of the “territories” or “languages” in a language; empty if the CLDR has not got it."""
    try:
        locale = Locale(language)
    except (UnknownLocaleError, ValueError):
        return {}
    names: dict[str, str] = dict(getattr(locale, kind))
    return names


def _language() -> str:
    language = (get_language() or "en").partition("-")[0]
    return language if _names(language, "languages") else "en"


def _plain(text: str) -> str:
    """The words of `text` without accents and punctuation."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(re.findall(r"[^\W_]+", "".join(sign for sign in apart if not unicodedata.combining(sign))))
