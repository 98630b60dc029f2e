"""Which columns a file of experts may have, and which field of `Expert` each of them fills."""

from __future__ import annotations

import re

COLUMNS = {
    "Username": "username",
    "First Name": "first_name",
    "Last Name": "last_name",
    "Job Title": "job_title",
    "Company": "company",
    "Bio": "bio",
    "Hourly Rate": "hourly_rate",
    "Currency": "currency",
    "Profile URL": "profile_url",
    "Profile Image Url": "photo_url",
    "Category": "category",
    "Created At": "created_at",
}
"""Column -> field, in the order of an export."""

HEADINGS = {field: column for column, field in COLUMNS.items()}
"""Field -> column."""


def field_of(column: str) -> str | None:
    """The field that a column fills, in any case, with spaces or underscores; None for an unknown column."""
    return _FIELDS.get(_normalised(column))


def _normalised(column: str) -> str:
    return re.sub(r"[\s_]+", " ", column).strip().casefold()


_FIELDS = {_normalised(name): field for column, field in COLUMNS.items() for name in (column, field)}
