"""Hashes that tell whether an expert changed since a version was built, and in which fields. Pure functions.

A version keeps hashes of three kinds:

- `text_hash` of the embedded text: if it is the same, the vector is reused.
- `field_hashes` of each field: they tell what changed, without keeping the values.
- `row_digests` of each whole row: whoever has the same digest did not change, which is the quickest to find out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experts.profiles.records import FIELDS, ExpertRecord, date_value, document_hash, document_texts, rate_value
from experts.profiles.text import TEMPLATE_VERSION

HASH_BYTES = 16
_VALUE_BYTES = 8
IN_OTHER_ROWS = ("manual_tags", "documents")
"""Those of FIELDS that are not in the row of an expert, so that `row_digests` says nothing of them."""
DOCUMENT = "+"
"""Begins `DirectoryRow.tag` of a document."""


class DirectoryRow(NamedTuple):
    """One row of `experts.directory.read_rows`: an expert, or one manual tag or one document of an expert.

    All values are text as the database gives it, so that 100,000 of them are compared within a second.
    """

    id: int
    """The expert's id."""
    tag: str
    """id of the tag, or DOCUMENT and the hash of a document's text; then all columns after this one are empty. Empty
    itself if the row is an expert."""
    username: str
    first_name: str
    last_name: str
    job_title: str
    company: str
    bio: str
    cents: str
    """the hourly rate as a whole number of cents; empty for none"""
    currency: str
    category: str
    photo: str
    """"1" or empty"""
    city: str
    country: str
    languages: str
    available: str
    """from which date, in ISO 8601; empty if that is not known"""


def text_hash(fingerprint: str, text: str) -> bytes:
    """16 bytes that change with the model's `fingerprint`, the template or `text`: the key to reuse a vector."""
    digest = hashlib.blake2b(digest_size=HASH_BYTES)
    for part in (fingerprint, str(TEMPLATE_VERSION), text):
        digest.update(part.encode("utf-8", "surrogatepass"))
        digest.update(b"\0")
    return digest.digest()


def field_hashes(experts: Sequence[ExpertRecord]) -> NDArray[np.uint64]:
    """uint64[n, fields]: a hash of each of `FIELDS` of each expert, independent of the model.

    With 64 bits, the chance that one of a million edits goes unnoticed is 1 in 10^13.
    """
    return _hash_columns(len(experts), ([value_of(expert) for expert in experts] for value_of in FIELDS.values()))


def value_hashes(values: Sequence[str]) -> NDArray[np.uint64]:
    """uint64[n]: a hash of each of n values of one field."""
    different = list(set(values))  # most currencies and categories are equal: hash each of them once
    hashes = dict(zip(different, _digests(different, _VALUE_BYTES), strict=True))
    return np.frombuffer(b"".join([hashes[value] for value in values]), ">u8").astype(np.uint64)


def directory_rows(expert: ExpertRecord) -> list[DirectoryRow]:
    """The expert as rows of `experts.directory.read_rows`: the expert, then each manual tag and each document."""
    documents = [f"{DOCUMENT}{document_hash(text)}" for text in document_texts(expert)]
    nothing = [""] * (len(DirectoryRow._fields) - 2)
    others = [DirectoryRow(expert.id, each, *nothing) for each in (*map(str, expert.manual_tags), *documents)]
    return [own_row(expert), *others]


def own_row(expert: ExpertRecord) -> DirectoryRow:
    """The first of `directory_rows`."""
    rate = expert.hourly_rate
    return DirectoryRow(
        id=expert.id,
        tag="",
        username=expert.username,
        first_name=expert.first_name,
        last_name=expert.last_name,
        job_title=expert.job_title,
        company=expert.company,
        bio=expert.bio,
        cents="" if rate is None else str(int((rate * 100).to_integral_value(ROUND_HALF_UP))),
        currency=expert.currency,
        category=expert.category,
        photo=FIELDS["photo"](expert),
        city=expert.city,
        country=expert.country,
        languages=expert.languages,
        available=date_value(expert.available_from),
    )


def row_hashes(rows: Sequence[Sequence[Any]]) -> NDArray[np.uint64]:
    """uint64[n, fields]: what `field_hashes` returns for the experts of these n rows, in half the time.

    `rows` have the columns of `DirectoryRow` and are experts, not tags or documents: IN_OTHER_ROWS are hashed as
    empty.
    """
    if not rows:
        return np.empty((0, len(FIELDS)), np.uint64)
    column = dict(zip(DirectoryRow._fields, zip(*rows, strict=True), strict=True))
    rates = {cents: rate_value(Decimal(cents) / 100 if cents else None) for cents in set(column["cents"])}
    values = {
        **column,
        "name": list(map("\0".join, zip(column["first_name"], column["last_name"], strict=True))),
        "rate": [rates[cents] for cents in column["cents"]],
        **dict.fromkeys(IN_OTHER_ROWS, [""] * len(rows)),
        "available_from": column["available"],
    }
    return _hash_columns(len(rows), (values[name] for name in FIELDS))


def row_digests(rows: Sequence[Sequence[Any]]) -> bytes:
    """16 bytes for each row, one after the other: the same for the same values, whatever the id.

    `rows` have the columns of `DirectoryRow`. All values of a row are hashed as one text, since a hash for each of
    them takes several times as long.
    """
    separators = len(DirectoryRow._fields) - 3
    texts = ["\0".join(row[2:]) for row in rows]
    for place, text in enumerate(texts):
        if text.count("\0") != separators:  # a value holds a NUL itself: Python's notation of the row has none
            texts[place] = repr(tuple(rows[place][2:]))
    return b"".join(_digests(texts, HASH_BYTES))


def _hash_columns(count: int, columns: Iterable[Sequence[str]]) -> NDArray[np.uint64]:
    """uint64[count, fields], from `count` values for each field."""
    hashed = np.empty((count, len(FIELDS)), np.uint64)
    for number, values in enumerate(columns):
        hashed[:, number] = value_hashes(values)
    return hashed


def _digests(texts: Sequence[str], size: int) -> list[bytes]:
    try:
        return [hashlib.blake2b(text.encode(), digest_size=size).digest() for text in texts]
    except UnicodeEncodeError:  # a lone surrogate; encoding without a handler is twice as fast
        raws = [text.encode("utf-8", "surrogatepass") for text in texts]
        return [hashlib.blake2b(raw, digest_size=size).digest() for raw in raws]
