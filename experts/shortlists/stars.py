"""Who is on a reader's current shortlist: their stars are filled."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser, User

from experts.models import ShortlistEntry
from experts.shortlists import changes


def starred_by(user: User | AnonymousUser) -> frozenset[int]:
    """The ids of the experts on the list that a star adds to."""
    shortlist = changes.current(user) if user.is_authenticated else None
    if shortlist is None:
        return frozenset()
    entries = ShortlistEntry.objects.filter(shortlist=shortlist, expert__isnull=False)
    return frozenset(entries.values_list("expert_id", flat=True))
