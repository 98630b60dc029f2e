"""Experts of the directory, as programs that keep it see and send them."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

from ninja import Field, Schema
from pydantic import BeforeValidator, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

from experts.models import Expert
from indexing.api.schemas.common import NO_NUL

OLDEST, NEWEST = -2_208_988_800, 7_289_654_399
"""The seconds of the years from 1900 to 2200."""
LONGEST = 25_000
"""characters of a text that is sent: more than any field holds"""
Written = Annotated[str, StringConstraints(max_length=LONGEST, pattern=NO_NUL)]


def _only_as_text(value: object) -> object:
    """pydantic would read a number as days or seconds since 1970."""
    if value is not None and not (isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value)):
        raise PydanticCustomError("date_parsing", "not a date")
    return value


Day = Annotated[date, BeforeValidator(_only_as_text)]


class ExpertTagOut(Schema):
    name: str
    kind: str = Field(description="domain or industry")
    source: str = Field(description="auto or manual")


class ExpertOut(Schema):
    id: int
    username: str
    name: str = Field(description="First and last name, or the username.")
    first_name: str
    last_name: str
    job_title: str
    company: str
    bio: str
    hourly_rate: float | None
    currency: str
    profile_url: str
    photo_url: str
    photo_address: str = Field(description="Where somebody who is signed in sees the photo; empty without one.")
    category: str
    email: str | None = Field(description="null if you lack the permission `experts.view_contact`.")
    phone: str | None = Field(description="null if you lack the permission `experts.view_contact`.")
    city: str
    country: str = Field(description="ISO 3166-1 code, such as NL.")
    languages: list[str] = Field(description="ISO 639 codes, such as nl.")
    availability: str
    available_from: date | None
    links: list[str]
    is_active: bool
    tags: list[ExpertTagOut]
    created_at: float
    updated_at: float
    etag: str = Field(description="Changes with every change of the expert: for the header `If-Match`.")

    @classmethod
    def from_expert(cls, expert: Expert, hidden: Collection[str]) -> ExpertOut:
        """`hidden` fields are null; the tags should be prefetched."""
        own = {name: getattr(expert, name) for name in cls.model_fields if hasattr(expert, name)}
        tags = [
            ExpertTagOut(name=row.tag.name, kind=row.tag.kind, source=row.source) for row in expert.expert_tags.all()
        ]
        made = {
            "name": expert.full_name,
            "languages": expert.language_codes,
            "links": expert.links.split(),
            "tags": sorted(tags, key=lambda tag: (tag.kind, tag.name)),
            "created_at": expert.created_at.timestamp(),
            "updated_at": expert.updated_at.timestamp(),
            "etag": etag(expert),
        }
        return cls(**own | made | dict.fromkeys(hidden))


class ExpertPage(Schema):
    count: int = Field(description="How many experts pass the filters in all.")
    experts: list[ExpertOut] = Field(description="In the order of their ids.")
    next: int | None = Field(description="For `after`, to get the next page; null on the last one.")


class ExpertFields(Schema):
    """What is not sent stays as it is; null and an empty text empty a field."""

    model_config = ConfigDict(extra="forbid")

    username: Written = Field("", min_length=1)
    first_name: Written = ""
    last_name: Written = ""
    job_title: Written = ""
    company: Written = ""
    bio: Written = ""
    hourly_rate: Decimal | None = Field(
        None, ge=0, le=99_999_999, decimal_places=2, description="At most two decimals."
    )
    currency: Written = Field("", description="ISO code, such as EUR.")
    profile_url: Written = ""
    photo_url: Written = ""
    category: Written = ""
    email: Written = Field("", description="Needs the permission `experts.view_contact` too.")
    phone: Written = Field("", description="Needs the permission `experts.view_contact` too.")
    city: Written = ""
    country: Written = Field("", description="ISO code, or a name in English, Dutch, German or French.")
    languages: list[str] = Field([], max_length=100, description="ISO codes, or names in these languages.")
    availability: Written = ""
    available_from: Day | None = None
    links: list[str] = Field([], max_length=100)
    is_active: bool = Field(True, strict=True)
    created_at: float | None = Field(None, strict=True, ge=OLDEST, le=NEWEST)

    def given(self) -> dict[str, Any]:
        """Field of `Expert` -> value, for the fields that were sent."""
        values = self.dict(exclude_unset=True)
        if "languages" in values:
            values["languages"] = ", ".join(values["languages"])
        if "links" in values:
            values["links"] = "\n".join(values["links"])
        if values.get("created_at", ...) is None:
            del values["created_at"]
        if "created_at" in values:
            values["created_at"] = datetime.fromtimestamp(values["created_at"], UTC)
        return values


class NewExpert(ExpertFields):
    username: Written = Field(min_length=1)


class ExpertFilters(Schema):
    q: str = Field("", max_length=200, pattern=NO_NUL, description="Words of the name, job title or company.")
    is_active: bool | None = None
    tag: list[str] = Field([], description="Name of a tag; may be repeated, any of them matches.")
    industry: list[str] = Field([], description="Name of an industry; may be repeated, any of them matches.")
    category: list[str] = Field([], description="Name of a category; may be repeated, any of them matches.")
    country: list[str] = Field([], description="ISO code; may be repeated, any of them matches.")
    language: list[str] = Field([], description="ISO code; may be repeated, all of them must match.")
    available_by: Day | None = Field(None, description="Only experts who are available from this day or earlier.")
    updated_since: float | None = Field(None, ge=OLDEST, le=NEWEST, description="Changed at this time or later.")


def etag(expert: Expert) -> str:
    """The entity tag of the expert as they are now, in quotation marks, as RFC 9110 has it."""
    return f'"{expert.pk}-{expert.updated_at:%Y%m%dT%H%M%S%f}"'
