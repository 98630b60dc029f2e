"""The text of an expert that is embedded, and its hash. Pure functions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

TEMPLATE_VERSION = 1
"""Raise it whenever `profile_text` gives another text for the same expert: old vectors are then not reused."""

HASH_BYTES = 16
VALUE_BYTES = 8


@dataclass(frozen=True, slots=True)
class ExpertRecord:
    """One expert as the directory had it at one moment: what a build reads, and nothing it could write."""

    id: int
    username: str
    first_name: str
    last_name: str
    job_title: str
    company: str
    bio: str
    hourly_rate: Decimal | None
    currency: str
    category: str
    has_photo: bool
    tagged_for: str
    manual_tags: tuple[int, ...] = ()

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


def profile_text(expert: ExpertRecord) -> str:
    """What the encoder reads of an expert: what they do, where, and what they say of themselves.

    The name is left out, since a vector of a name says nothing of a problem (the keyword index finds names);
    it stands in where there is nothing else, so that every expert has a vector.
    """
    role = ", ".join(part for part in (expert.job_title.strip(), expert.company.strip()) if part)
    text = ". ".join(part for part in (role, expert.bio.strip()) if part)
    return text or expert.full_name or expert.username


def has_text(expert: ExpertRecord) -> bool:
    """Whether there is anything to embed but a name."""
    return any(part.strip() for part in (expert.job_title, expert.company, expert.bio))


def text_hash(fingerprint: str, text: str) -> bytes:
    """16 bytes that change with the model, the template and the text: the key for reusing a vector."""
    digest = hashlib.blake2b(digest_size=HASH_BYTES)
    for part in (fingerprint, str(TEMPLATE_VERSION), text):
        digest.update(part.encode("utf-8", "surrogatepass"))
        digest.update(b"\0")
    return digest.digest()


def tags_value(tags: Iterable[int]) -> str:
    return " ".join(map(str, sorted(tags)))


def rate_value(rate: Decimal | None) -> str:
    return "" if rate is None else str(rate.normalize())


FIELDS: dict[str, Callable[[ExpertRecord], str]] = {
    "username": lambda expert: expert.username,
    "name": lambda expert: f"{expert.first_name}\0{expert.last_name}",
    "job_title": lambda expert: expert.job_title,
    "company": lambda expert: expert.company,
    "bio": lambda expert: expert.bio,
    "rate": lambda expert: rate_value(expert.hourly_rate),
    "currency": lambda expert: expert.currency,
    "category": lambda expert: expert.category,
    "photo": lambda expert: "1" if expert.has_photo else "",
    "manual_tags": lambda expert: tags_value(expert.manual_tags),
}
"""What a version holds of an expert, field by field. Another list of fields is another format of versions."""


def field_hashes(experts: Sequence[ExpertRecord]) -> NDArray[np.uint64]:
    """uint64[n, fields]: tells which of `FIELDS` changed, without keeping what they were. Knows no model.

    64 bits: of a million edits one would go unnoticed with a chance of 1 in 10^13. Equal values (a currency, a
    category, no photo) are hashed once.
    """
    return _hashed(len(experts), ([value_of(expert) for expert in experts] for value_of in FIELDS.values()))


def _hashed(count: int, columns: Iterable[Sequence[str]]) -> NDArray[np.uint64]:
    """uint64[n, fields], of n values for each field."""
    hashed = np.empty((count, len(FIELDS)), np.uint64)
    for number, values in enumerate(columns):
        hashed[:, number] = value_hashes(values)
    return hashed


def value_hashes(values: Sequence[str]) -> NDArray[np.uint64]:
    """uint64[n]: 64 bits of each of n values of one field."""
    different = list(set(values))
    known = dict(zip(different, _digests(different, VALUE_BYTES), strict=True))
    return np.frombuffer(b"".join([known[value] for value in values]), ">u8").astype(np.uint64)


def _digests(texts: Sequence[str], size: int) -> list[bytes]:
    try:
        return [hashlib.blake2b(text.encode(), digest_size=size).digest() for text in texts]
    except UnicodeEncodeError:  # a lone surrogate; the usual way is faster by half
        raws = [text.encode("utf-8", "surrogatepass") for text in texts]
        return [hashlib.blake2b(raw, digest_size=size).digest() for raw in raws]


class Row(NamedTuple):
    """An expert as the database gives it for a comparison, and nothing made of it: 100,000 of them within a second.

    Or one tag given by hand: then only `id` and `tag` say anything.
    """

    id: int
    tag: str
    """empty: this is an expert"""
    username: str
    first_name: str
    last_name: str
    job_title: str
    company: str
    bio: str
    cents: str
    """of the hourly rate, a whole number; empty for none"""
    currency: str
    category: str
    photo: str
    """"1" or empty"""


def rows_of(expert: ExpertRecord) -> list[Row]:
    """The expert's row, and one for each tag given by hand."""
    rate = expert.hourly_rate
    own = Row(
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
    )
    return [own, *(Row(expert.id, str(tag), *[""] * 10) for tag in expert.manual_tags)]


def row_hashes(rows: Sequence[Sequence[Any]]) -> NDArray[np.uint64]:
    """As `field_hashes` of the experts whose rows they are, in half the time; without tags, which have other rows."""
    if not rows:
        return np.empty((0, len(FIELDS)), np.uint64)
    column = dict(zip(Row._fields, zip(*rows, strict=True), strict=True))
    rates = {cents: rate_value(Decimal(cents) / 100 if cents else None) for cents in set(column["cents"])}
    values = {
        **column,
        "name": list(map("\0".join, zip(column["first_name"], column["last_name"], strict=True))),
        "rate": [rates[cents] for cents in column["cents"]],
        "manual_tags": [""] * len(rows),
    }
    return _hashed(len(rows), (values[name] for name in FIELDS))


def row_digests(rows: Sequence[Sequence[Any]]) -> bytes:
    """16 bytes of each expert's row but its id, one after the other: the same for the same values.

    One text of all values is hashed, since a hash for each of them takes several times as long. A NUL between two
    values tells where one ends; where a value holds one itself, Python's own notation is hashed, which has none.
    """
    between = len(Row._fields) - 3
    texts = ["\0".join(row[2:]) for row in rows]
    for place, text in enumerate(texts):
        if text.count("\0") != between:
            texts[place] = repr(tuple(rows[place][2:]))
    return b"".join(_digests(texts, HASH_BYTES))
