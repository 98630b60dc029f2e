"""The star of an expert: whether they are on the reader's current shortlist."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import HttpRequest
from django.urls import reverse

from experts.models import ShortlistEntry
from experts.shortlists import changes

register = template.Library()

KEPT = "starred_experts"


@register.inclusion_tag("indexing/shortlists/_star.html", takes_context=True)
def star(context: template.Context, expert: Any) -> dict[str, Any]:
    """The button; the experts of the list are read once for each page, and its address is made once."""
    request: HttpRequest = context["request"]
    kept = getattr(request, KEPT, None)
    if kept is None:
        shortlist = changes.current(request.user) if request.user.is_authenticated else None
        entries = ShortlistEntry.objects.filter(shortlist=shortlist, expert__isnull=False) if shortlist else None
        starred = frozenset(entries.values_list("expert_id", flat=True)) if entries is not None else frozenset()
        kept = starred, reverse("star")
        setattr(request, KEPT, kept)
    starred, star_page = kept
    return {"expert": expert, "starred": expert.pk in starred, "star_page": star_page}
