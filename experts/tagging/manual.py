"""One tag for many experts at once, as staff decide it: manual, and in the history of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from experts.auditing import log_tagged
from experts.models import Expert, ExpertTag, Tag

BATCH = 500  # a statement takes only so many parameters


@dataclass(frozen=True, slots=True)
class Tagged:
    """How many experts each of these holds for; together all that were named."""

    added: int = 0
    kept: int = 0
    """had the tag automatically, and now have it by hand: it stays, whatever the next run thinks of it"""
    already: int = 0
    gone: int = 0
    """deleted meanwhile"""

    def __add__(self, other: Tagged) -> Tagged:
        return Tagged(
            self.added + other.added, self.kept + other.kept, self.already + other.already, self.gone + other.gone
        )


def tag_by_hand(ids: Sequence[int], tag: Tag, user: User) -> Tagged:
    """Give the tag to the experts `ids`, all or none, each change put down to `user`. Raises Tag.DoesNotExist."""
    wanted = sorted(set(ids))
    done = Tagged()
    with transaction.atomic():
        Tag.objects.select_for_update(no_key=True).get(pk=tag.pk)  # see `tagging.store`
        for start in range(0, len(wanted), BATCH):
            done += _tag_batch(wanted[start : start + BATCH], tag, user)
    return done


def _tag_batch(batch: list[int], tag: Tag, user: User) -> Tagged:
    """Locks the experts as the tagging of a run does, so that neither adds a row that the other just added."""
    experts = {each.pk: each for each in Expert.objects.select_for_update().filter(pk__in=batch).order_by("pk")}
    sources = dict(ExpertTag.objects.filter(tag=tag, expert__in=experts).values_list("expert_id", "source"))
    fresh = [pk for pk in experts if pk not in sources]
    automatic = [pk for pk, source in sources.items() if source == ExpertTag.Source.AUTO]
    ExpertTag.objects.bulk_create([ExpertTag(expert_id=pk, tag=tag) for pk in fresh])
    ExpertTag.objects.filter(tag=tag, expert__in=automatic).update(source=ExpertTag.Source.MANUAL, score=None)
    Expert.objects.filter(pk__in=[*fresh, *automatic]).update(updated_at=timezone.now())
    log_tagged(user, [experts[pk] for pk in fresh], tag)
    log_tagged(user, [experts[pk] for pk in automatic], tag, fields=["source"])
    return Tagged(len(fresh), len(automatic), len(experts) - len(fresh) - len(automatic), len(batch) - len(experts))
