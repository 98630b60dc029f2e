"""An expert as a build reads them, and the values that a version keeps of each. Pure: imports nothing of Django."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import NamedTuple


class ExpertRecord(NamedTuple):
    """One active expert at the moment when the directory was read. A tuple, which is made in a fifth of the time of a
    frozen dataclass: a build reads each from a file a dozen times."""

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
    """see `Expert.tagged_for`"""
    manual_tags: tuple[int, ...] = ()
    """ids, ascending"""
    city: str = ""
    country: str = ""
    """ISO code, or empty"""
    languages: str = ""
    """ISO codes, separated by spaces"""
    available_from: date | None = None
    documents: str = ""
    """the texts of the expert's documents, by `document_hash`, with DOCUMENT_END between them"""

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


DOCUMENT_END = "\f"
"""Between the texts of two documents, none of which contains it."""


def document_hash(text: str) -> str:
    """32 hex digits that change with the text of a document."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def tags_value(tags: Iterable[int]) -> str:
    """Tag ids as one text: ascending, separated by spaces."""
    return " ".join(map(str, sorted(tags)))


def documents_value(hashes: Iterable[str]) -> str:
    """The hashes of the texts of documents as one text: ascending, separated by spaces."""
    return " ".join(sorted(hashes))


def document_texts(expert: ExpertRecord) -> list[str]:
    return expert.documents.split(DOCUMENT_END) if expert.documents else []


def rate_value(rate: Decimal | None) -> str:
    """An hourly rate as text, the same for 80 and 80.00; empty for None."""
    return "" if rate is None else str(rate.normalize())


def date_value(day: date | None) -> str:
    """A date as ISO 8601; empty for None."""
    return "" if day is None else day.isoformat()


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
    "documents": lambda expert: documents_value(map(document_hash, document_texts(expert))),
    "city": lambda expert: expert.city,
    "country": lambda expert: expert.country,
    "languages": lambda expert: expert.languages,
    "available_from": lambda expert: date_value(expert.available_from),
}
"""What a version keeps of each expert: field -> its value as text. Another list, or another text for the same value,
is another format of versions: a build copies what the version before it has of those who did not change."""
