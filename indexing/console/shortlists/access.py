"""Which shortlists a reader gets, and which of its experts."""

from __future__ import annotations

from django.shortcuts import get_object_or_404

from experts.models import Shortlist, ShortlistEntry
from indexing.console.access import ConsoleRequest


def readable(request: ConsoleRequest, shortlist_id: int) -> Shortlist:
    """One's own list, or one that is shared. Raises Http404: nobody learns of the lists of others."""
    lists = Shortlist.objects.readable_by(request.user.pk)
    shortlist: Shortlist = get_object_or_404(lists.select_related("owner"), pk=shortlist_id)
    return shortlist


def own(request: ConsoleRequest, shortlist_id: int) -> Shortlist:
    """Raises Http404 unless it is the reader's own list."""
    shortlist: Shortlist = get_object_or_404(Shortlist, pk=shortlist_id, owner=request.user)
    return shortlist


def entries_of(shortlist: Shortlist) -> list[ShortlistEntry]:
    """In their order, with their experts."""
    return list(shortlist.entries.select_related("expert"))
