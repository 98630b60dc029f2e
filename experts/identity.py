"""When two usernames are the same: one rule for the database, the admin, the import and the API.

Letters that look alike because they are written in other ways (upper and lower case, composed or not, full width,
ligatures) are the same, and characters that nobody sees do not count. Source: NFKC_Casefold of the Unicode Standard,
chapter 3.13, and white space as one space.
"""

from __future__ import annotations

import hashlib
import unicodedata

MAX_KEY = 200
"""Characters of a key: normalised, 150 characters can become thousands."""
CONFLICT = "\x1f"
"""Stands in the key of an expert whose username was already that of another one when keys were introduced."""
_INVISIBLE_TOO = {
    0x034F,
    0x115F,
    0x1160,
    0x17B4,
    0x17B5,
    0x3164,
    0xFFA0,
    *range(0xFE00, 0xFE10),
    *range(0xE0100, 0xE01F0),
}
"""Joiners, fillers and variation selectors, which are letters or marks to Unicode's categories."""


def clean_username(username: str) -> str:
    """`username` as it is stored: composed, without what nobody sees, and with single spaces."""
    if username.isascii() and username.isprintable():
        return " ".join(username.split())
    visible = "".join(sign for sign in unicodedata.normalize("NFC", username) if not _is_invisible(sign))
    return " ".join(visible.split())


def identity_key(username: str) -> str:
    """The same text for usernames of the same person, at most MAX_KEY characters; "" for one that nobody can see."""
    key = clean_username(username).casefold()
    if not key.isascii():
        key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", key).casefold())
        key = clean_username(key)
    if len(key) > MAX_KEY:
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        key = f"{key[: MAX_KEY - len(digest)]}{digest}"
    return key


def conflict_key(key: str, expert: int) -> str:
    """The key of `expert`, whose username another expert has too."""
    return f"{key}{CONFLICT}{expert}"


def without_conflict(key: str) -> str:
    """The key that the username has, whether it is in conflict or not."""
    return key.partition(CONFLICT)[0]


def _is_invisible(sign: str) -> bool:
    return unicodedata.category(sign) in ("Cf", "Cc") and sign not in "\t\n\r" or ord(sign) in _INVISIBLE_TOO
