"""Rejects an automatic tag for one expert for good, and takes that back."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from experts.admin_history import log_rejected
from experts.models import Expert, ExpertTag, RejectedTag, Tag


@transaction.atomic
def reject(expert: Expert, tag: Tag, user: User) -> bool:
    """Remove the automatic tag, so that no run gives it again; False if the expert does not have it automatically."""
    _lock(expert, tag)
    row = ExpertTag.objects.filter(expert=expert, tag=tag, source=ExpertTag.Source.AUTO).first()
    if row is None:
        return False
    RejectedTag.objects.get_or_create(expert=expert, tag=tag, defaults={"score": row.score, "user": user})
    row.delete()
    _touch(expert)
    log_rejected(user, expert, tag)
    return True


@transaction.atomic
def restore(expert: Expert, tag: Tag, user: User) -> bool:
    """Take a rejection back: the tag returns, and the next run decides about it; False if it was not rejected."""
    _lock(expert, tag)
    rejection = RejectedTag.objects.filter(expert=expert, tag=tag).first()
    if rejection is None:
        return False
    ExpertTag.objects.get_or_create(
        expert=expert, tag=tag, defaults={"source": ExpertTag.Source.AUTO, "score": rejection.score}
    )
    rejection.delete()
    _touch(expert, tagged_for="")
    log_rejected(user, expert, tag, restored=True)
    return True


def _lock(expert: Expert, tag: Tag) -> None:
    """In the order of a run that tags: see `experts.tagging.storage`."""
    Tag.objects.select_for_update(no_key=True).get(pk=tag.pk)
    Expert.objects.select_for_update().get(pk=expert.pk)


def _touch(expert: Expert, **changes: str) -> None:
    """The expert counts as changed, as after any other change of tags."""
    Expert.objects.filter(pk=expert.pk).update(updated_at=timezone.now(), **changes)
