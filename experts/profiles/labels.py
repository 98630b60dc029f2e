"""The names of the fields that a version keeps of an expert, for people."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

FIELD_NAMES = {
    "username": gettext_lazy("username"),
    "name": gettext_lazy("name"),
    "job_title": gettext_lazy("job title"),
    "company": gettext_lazy("company"),
    "bio": gettext_lazy("bio"),
    "rate": gettext_lazy("rate"),
    "currency": gettext_lazy("currency"),
    "category": gettext_lazy("category"),
    "photo": gettext_lazy("photo"),
    "manual_tags": gettext_lazy("manual tags"),
    "documents": gettext_lazy("documents"),
    "city": gettext_lazy("city"),
    "country": gettext_lazy("country"),
    "languages": gettext_lazy("languages"),
    "available_from": gettext_lazy("available from"),
}
"""The names of `experts.profiles.records.FIELDS`."""
