"""What the page of an expert shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import QueryDict
from django.urls import reverse

from experts.models import Expert, ExpertTag, RejectedTag, Tag
from indexing.console.search_modes import parse_mode
from indexing.errors import NotInVersion
from indexing.search.profile_match import profile_match, words_in_common
from indexing.search.similar import SimilarHit, similar_experts
from indexing.snapshot.reader import Snapshot

SIMILAR = 4
"""Similar experts on the page; another page has more of them."""


@dataclass(frozen=True, slots=True)
class ShownTag:
    """A tag of the expert and, for an automatic one, why it was given."""

    tag: Tag
    is_automatic: bool
    score: float | None
    words: tuple[str, ...]
    """Words of the tag's name and description that the profile has too, as the profile writes them."""


def profile_context(
    expert: Expert, snapshot: Snapshot | None, asked: QueryDict, *, with_rejected: bool, with_documents: bool
) -> dict[str, Any]:
    """The template context; `asked` is the address of the search that led here, and empty without one."""
    query = asked.get("q", "").strip()
    match = None
    if query and snapshot:
        mode = parse_mode(asked.get("mode", ""))
        match = profile_match(expert, query, snapshot, mode, with_documents=with_documents)
    address = f"?{asked.urlencode()}" if query else ""
    tags = list(_tags(expert, snapshot))
    return {
        "expert": expert,
        "query": query,
        "marker": match.marker if match else None,
        "passages": match.passages if match else (),
        "document_passages": match.documents if match else (),
        "tags": tags,
        "automatic_tags": [each for each in tags if each.is_automatic],
        "tag_threshold": settings.TCS_TAG_THRESHOLD,
        "rejected": list(_rejected(expert)) if with_rejected else [],
        "similar": _similar(expert, snapshot),
        "results_address": reverse("search") + address if query else "",
        "where_address": reverse("where") + address,
        "here": expert.get_absolute_url(),
    }


def _tags(expert: Expert, snapshot: Snapshot | None) -> Iterator[ShownTag]:
    profile = (expert.job_title, expert.company, expert.bio)
    for row in ExpertTag.objects.filter(expert=expert).select_related("tag").order_by("tag__kind", "tag__name"):
        automatic = row.source == ExpertTag.Source.AUTO
        words: list[str] = []
        if automatic and snapshot:
            words = words_in_common(f"{row.tag.name}. {row.tag.description}", profile, snapshot)
        yield ShownTag(row.tag, automatic, row.score, tuple(words))


def _rejected(expert: Expert) -> Iterator[Tag]:
    for row in RejectedTag.objects.filter(expert=expert).select_related("tag").order_by("tag__name"):
        yield row.tag


def _similar(expert: Expert, snapshot: Snapshot | None) -> tuple[SimilarHit, ...]:
    """None of them for somebody who cannot be searched yet, or not any more."""
    if snapshot is None or not expert.is_active:
        return ()
    try:
        return similar_experts(expert, snapshot, SIMILAR).hits
    except NotInVersion:
        return ()
