"""Removes the sample directory: everybody that `generator` made, with whatever seed."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.utils.translation import gettext_noop

from experts.admin_history import log_summary
from experts.models import Expert, ExpertQuerySet, RemovedSamples
from experts.samples.generator import PROFILES

REMOVED = gettext_noop("Removed %(count)s sample experts.")
BATCH = 1_000


def samples() -> ExpertQuerySet:
    """The sample experts of the directory: their profile URL is on a domain that is reserved for examples."""
    return Expert.objects.filter(profile_url=Concat(Value(PROFILES), F("username")))


def remove_samples(user: User | None = None) -> int:
    """Delete the sample experts in one transaction; returns how many there were.

    Their ids are kept, so that the gate does not count them as lost.
    """
    with transaction.atomic():
        ids = sorted(samples().order_by().values_list("pk", flat=True))
        for start in range(0, len(ids), BATCH):
            Expert.objects.filter(pk__in=ids[start : start + BATCH]).delete()
        if ids:
            RemovedSamples.objects.create(ids=ids)
        if ids and user:
            log_summary(user, REMOVED, count=len(ids))
    return len(ids)
