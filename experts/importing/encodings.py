"""Checks a file as a whole before it is read: its size, its kind and its encoding."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from typing import BinaryIO

from charset_normalizer import from_bytes
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from experts.importing.cells import shorten
from experts.importing.errors import ImportFailed

ENCODINGS = {
    "utf-8-sig": "UTF-8",
    "utf-16-le": "UTF-16 (little-endian)",
    "utf-16-be": "UTF-16 (big-endian)",
    "cp1252": "Windows-1252 (Western Europe)",
    "cp1250": "Windows-1250 (Central Europe)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "cp1253": "Windows-1253 (Greek)",
    "cp1254": "Windows-1254 (Turkish)",
    "cp1255": "Windows-1255 (Hebrew)",
    "cp1256": "Windows-1256 (Arabic)",
    "cp1257": "Windows-1257 (Baltic)",
    "iso8859_15": "ISO 8859-15",
    "mac_roman": "Mac Roman",
    "cp850": "DOS 850",
    "koi8_r": "KOI8-R",
    "shift_jis": "Shift JIS",
    "gb18030": "GB 18030",
    "big5": "Big5",
    "euc_kr": "EUC-KR",
}
"""The encodings that files are read in: Python's name -> the name on the page."""

_OTHER_FILES = (
    (b"PK\x03\x04", gettext_noop("ZIP")),
    (b"\xd0\xcf\x11\xe0", gettext_noop("Excel before 2007, or protected by a password")),
    (b"%PDF", "PDF"),
    (b"\x1f\x8b", "gzip"),
)
"""The first bytes of files that people upload by mistake."""

_SAMPLE = 64 * 2**10
"""Bytes of lines with other characters than ASCII that are looked at to tell their encoding."""
_WESTERN = re.compile(
    "[\0-\x7f\xa0«»°·´¨©®£€§‘’“”„–—…•™ªºàáâãäåæçèéêëìíîïñòóôõöøùúûüßœÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜŒŠšŽž]*"
)  # noqa: RUF001
_IN_A_ROW = re.compile(r"[^\W\d_\0-\x7f]{2}")
_SYMBOL_IN_A_WORD = re.compile(r"[^\W\d_]([^\w\s\0-\x7f’])[^\W\d_]")  # noqa: RUF001


def check_size(file: BinaryIO, largest: int) -> None:
    """Raises ImportFailed for a file of more than `largest` bytes; leaves it at its start."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if size > largest:
        raise ImportFailed(
            _(
                "The file has %(size).1f MB; the limit is %(limit)s MB. Split the file, or ask your administrator to"
                " raise the limit."
            )
            % {"size": size / 2**20, "limit": settings.TCS_IMPORT_MAX_MB}
        )


def find_encoding(file: BinaryIO, chosen: str = "") -> str:
    """The encoding of `file` (at its start), a key of ENCODINGS; leaves it at its start.

    Everything is decoded once, line by line. Raises ImportFailed if it is not text, not in the `chosen` encoding, or
    in UTF-8 with damaged places: the message names the line and the byte.
    """
    encoding = chosen or _marked(file)
    if encoding not in ENCODINGS:
        raise ImportFailed(_("The encoding “%s” is not known.") % shorten(encoding))
    try:
        _decode(file, encoding)
    except UnicodeDecodeError as error:
        if chosen or encoding != "utf-8-sig":
            raise _undecodable(file, encoding, error) from None
        encoding = _guess(file, error)
    file.seek(0)
    return encoding


def _marked(file: BinaryIO) -> str:
    """What the first bytes say: UTF-16, or else perhaps UTF-8. Raises ImportFailed for another kind of file."""
    start = file.read(4_096)
    for signature, kind in _OTHER_FILES:
        if start.startswith(signature):
            raise ImportFailed(
                _("This is neither CSV nor a spreadsheet but another kind of file (%(kind)s).") % {"kind": _(kind)}
            )
    if start.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if start.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    if start.count(b"\0") > len(start) // 4:
        return "utf-16-le" if start[1::2].count(0) >= start[0::2].count(0) else "utf-16-be"
    return "utf-8-sig"


def _decode(file: BinaryIO, encoding: str) -> None:
    """Decode all of `file`. Raises UnicodeDecodeError, whose `start` is a position in the file."""
    decoder = codecs.getincrementaldecoder(encoding)()
    position = 0
    file.seek(0)
    while True:
        data = file.read(2**20)
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            error.start += position - pending
            raise
        position += len(data)
        if not data:
            return


def _undecodable(file: BinaryIO, encoding: str, error: UnicodeDecodeError) -> ImportFailed:
    file.seek(max(0, error.start - 1_000))
    before = file.read(min(1_000, error.start)).decode(encoding, "ignore").splitlines()[-1:]
    byte = file.read(1)
    file.seek(0)
    read, line = 0, 1
    while data := file.read(min(2**20, error.start - read)):
        read += len(data)
        line += data.count(b"\n")
    return ImportFailed(
        _(
            "Line %(line)s is not in %(encoding)s: “%(before)s” is followed by 0x%(byte)s (byte %(position)s of"
            " the file). Choose another encoding, or save the file as “CSV UTF-8” in Excel."
        )
        % {
            "encoding": ENCODINGS[encoding].partition(" ")[0],
            "position": error.start + 1,
            "line": line,
            "byte": byte.hex().upper(),
            "before": shorten("".join(before)[-20:]),
        }
    )


def _guess(file: BinaryIO, error: UnicodeDecodeError) -> str:
    """The encoding of a file that is not UTF-8. Raises ImportFailed if it is UTF-8 but for a few damaged bytes."""
    sample, good, bad = bytearray(), 0, 0
    for line in _lines_beyond_ascii(file):
        try:
            line.decode("utf-8")
            good += 1
        except UnicodeDecodeError:
            bad += 1
            sample += line
        if len(sample) > _SAMPLE:
            break
    if good > bad:
        raise _undecodable(file, "utf-8-sig", error)
    western = sample.decode("cp1252", "replace")
    for encoding in ("cp1252", *_likely(bytes(sample))):
        text = sample.decode(encoding, "replace")
        plausible = _is_western(text) if encoding == "cp1252" else not _SYMBOL_IN_A_WORD.search(text)
        if plausible and _decodes(file, encoding):
            return "cp1252" if text == western else encoding
    return "cp1252" if _decodes(file, "cp1252") else "cp850"  # which decodes anything


def _is_western(text: str) -> bool:
    """Accents stand alone in words of Western Europe; other alphabets fill whole words with such letters."""
    letters = [sign for sign in text if sign.isalpha() and not sign.isascii()]
    in_a_row = len(_IN_A_ROW.findall(text))
    return bool(_WESTERN.fullmatch(text)) and 4 * in_a_row <= len(letters) and not _SYMBOL_IN_A_WORD.search(text)


def _likely(sample: bytes) -> list[str]:
    """What charset-normalizer thinks of, most likely first."""
    one_byte_or_asian = [name for name in ENCODINGS if not name.startswith("utf")]
    return [match.encoding for match in from_bytes(sample, cp_isolation=one_byte_or_asian)]


def _decodes(file: BinaryIO, encoding: str) -> bool:
    try:
        _decode(file, encoding)
    except UnicodeDecodeError:
        return False
    return True


def _lines_beyond_ascii(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    return (line for line in file if not line.isascii())
