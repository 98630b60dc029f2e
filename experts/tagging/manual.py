"""Adds a tag to many experts at once, as a manual tag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from experts.admin_history import log_tagged
from experts.models import Expert, ExpertTag, Tag

BATCH = 500  # the parameters of a statement are limited


@dataclass(frozen=True, slots=True)
class TaggingResult:
    """How many of the given experts had each outcome; the counts add up to all of them."""

    added: int = 0
    made_manual: int = 0
    """Experts who had the tag automatically; from now on no run removes it."""
    already: int = 0
    """Experts who had the tag manually."""
    deleted: int = 0
    """Experts who are no longer in the directory."""

    def __add__(self, other: TaggingResult) -> TaggingResult:
        return TaggingResult(
            self.added + other.added,
            self.made_manual + other.made_manual,
            self.already + other.already,
            self.deleted + other.deleted,
        )


def add_manual_tag(ids: Sequence[int], tag: Tag, user: User) -> TaggingResult:
    """Give `tag` to the experts with these ids in one transaction, and log each change for `user`.

    Raises Tag.DoesNotExist if the tag was deleted.
    """
    wanted = sorted(set(ids))
    result = TaggingResult()
    with transaction.atomic():
        Tag.objects.select_for_update(no_key=True).get(pk=tag.pk)  # see `storage._store_batch`
        for start in range(0, len(wanted), BATCH):
            result += _tag_batch(wanted[start : start + BATCH], tag, user)
    return result


def _tag_batch(batch: list[int], tag: Tag, user: User) -> TaggingResult:
    # Lock the experts, as a run does before it tags them, so that the two never add the same tag twice.
    experts = {each.pk: each for each in Expert.objects.select_for_update().filter(pk__in=batch).order_by("pk")}
    sources = dict(ExpertTag.objects.filter(tag=tag, expert__in=experts).values_list("expert_id", "source"))
    untagged = [pk for pk in experts if pk not in sources]
    automatic = [pk for pk, source in sources.items() if source == ExpertTag.Source.AUTO]
    ExpertTag.objects.bulk_create([ExpertTag(expert_id=pk, tag=tag) for pk in untagged])
    ExpertTag.objects.filter(tag=tag, expert__in=automatic).update(source=ExpertTag.Source.MANUAL, score=None)
    Expert.objects.filter(pk__in=[*untagged, *automatic]).update(updated_at=timezone.now())
    log_tagged(user, [experts[pk] for pk in untagged], tag)
    log_tagged(user, [experts[pk] for pk in automatic], tag, fields=["source"])
    return TaggingResult(
        added=len(untagged),
        made_manual=len(automatic),
        already=len(experts) - len(untagged) - len(automatic),
        deleted=len(batch) - len(experts),
    )
