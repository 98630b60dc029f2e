"""The star of an expert: whether they are on the reader's current shortlist."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import HttpRequest
from django.urls import reverse

from experts.shortlists.stars import starred_by

register = template.Library()

KEPT = "starred_experts"


@register.inclusion_tag("indexing/shortlists/_star.html", takes_context=True)
def star(context: template.Context, expert: Any) -> dict[str, Any]:
    """The button; the experts of the list are read once for each page, and its address is made once."""
    request: HttpRequest = context["request"]
    kept = getattr(request, KEPT, None)
    if kept is None:
        kept = starred_by(request.user), reverse("star")
        setattr(request, KEPT, kept)
    starred, star_page = kept
    return {"key": expert.pk, "name": str(expert), "starred": expert.pk in starred, "star_page": star_page}
