"""Counts attempts in the database, for all processes and both doors together."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from indexing.lib.addresses import one_caller
from indexing.models import SignInCount
from indexing.sign_in import limits
from indexing.sign_in.limits import FORGOTTEN_AFTER, Limits

KNOWN = "known"
KNOWN_FOR = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Attempt:
    limits: Limits
    wait: int = 0
    """Seconds until the next attempt is allowed; 0: this one is, and it has been counted."""


def begin(what: Limits) -> Attempt:
    """Count an attempt, unless it has to wait. To be called before the password is checked."""
    rows = SignInCount.objects.filter(pk__in=what)
    if wait := _wait(what, rows):  # without a write: whoever has to wait may try as often as they like
        return Attempt(what, wait)
    with transaction.atomic():
        SignInCount.objects.bulk_create([SignInCount(key=each) for each in sorted(what)], ignore_conflicts=True)
        locked = list(rows.select_for_update().order_by("pk"))
        if wait := _wait(what, locked):
            return Attempt(what, wait)
        now = timezone.now()
        for row in locked:
            row.failures = 1 + (row.failures if now - row.last_at < FORGOTTEN_AFTER else 0)
            row.last_at = now
        SignInCount.objects.bulk_update(locked, ["failures", "last_at"])
    return Attempt(what)


def succeed(attempt: Attempt) -> None:
    """The password was right: the person's own failures are forgiven, and those of others stay."""
    own = [each for each, limit in attempt.limits.items() if not limit.shared]
    SignInCount.objects.filter(pk__in=own).delete()
    shared = SignInCount.objects.filter(pk__in=set(attempt.limits) - set(own), failures__gt=0)
    shared.update(failures=F("failures") - 1)


def remember(name: str, address: str) -> None:
    """Somebody has signed in with this name from this address."""
    pk = limits.key(KNOWN, name, one_caller(address))
    SignInCount.objects.update_or_create(pk=pk, defaults={"last_at": timezone.now()})


def is_known(name: str, address: str) -> bool:
    """Whether somebody has signed in with this name from this address lately."""
    pk = limits.key(KNOWN, name, one_caller(address))
    return SignInCount.objects.filter(pk=pk, last_at__gte=timezone.now() - KNOWN_FOR).exists()


def forget_expired(now: datetime) -> int:
    """Delete the rows that count for nothing any more; returns how many."""
    known = SignInCount.objects.filter(pk__startswith=f"{KNOWN}:")
    old = SignInCount.objects.exclude(pk__startswith=f"{KNOWN}:").filter(last_at__lt=now - FORGOTTEN_AFTER)
    return known.filter(last_at__lt=now - KNOWN_FOR).delete()[0] + old.delete()[0]


def _wait(what: Limits, rows: Iterable[SignInCount]) -> int:
    counts = {row.key: (row.failures, row.last_at) for row in rows}
    return max(math.ceil(limits.seconds_left(what, counts, timezone.now())), 0)
