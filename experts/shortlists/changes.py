"""Changes of one shortlist. Whether somebody may make them is up to the caller."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User
from django.core import signing
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from experts.models import Expert, Shortlist, ShortlistEntry, ShortlistLink

MOST_ENTRIES, MOST_LISTS, MOST_LINKS = 200, 100, 20
LONGEST_NAME, LONGEST_NOTE = 100, 2_000
LINK_DAYS = (1, 7, 30)
SALT = "experts.shortlists.link"


class ListIsFull(Exception):
    """A person has as many lists, or a list as many experts, as it can have."""


def create(owner: User, name: str) -> Shortlist:
    """Raises ListIsFull with MOST_LISTS lists."""
    if Shortlist.objects.filter(owner=owner).count() >= MOST_LISTS:
        raise ListIsFull
    return Shortlist.objects.create(owner=owner, name=clean_name(name) or _("My shortlist"))


def clean_name(name: str) -> str:
    """On one line, and not too long."""
    return " ".join(name.replace("\0", "").split())[:LONGEST_NAME]


def current(owner: User) -> Shortlist | None:
    """The list that a star adds to: the one that its owner changed last."""
    return Shortlist.objects.filter(owner=owner).first()


@transaction.atomic
def star(owner: User, expert: Expert) -> bool:
    """Add the expert to the current list, or take them off it; returns whether they are on it now.

    Raises ListIsFull.
    """
    User.objects.select_for_update().get(pk=owner.pk)  # two presses at once make one list
    shortlist = current(owner) or create(owner, "")
    entries = shortlist.entries.filter(expert=expert)
    if entries.exists():
        entries.delete()
        touch(shortlist)
        return False
    if shortlist.entries.count() >= MOST_ENTRIES:
        raise ListIsFull
    last = shortlist.entries.last()
    shortlist.entries.create(expert=expert, position=last.position + 1 if last else 0)
    touch(shortlist)
    return True


@transaction.atomic
def move(entry: ShortlistEntry, by: int) -> None:
    """Move an entry up (-1) or down (1) by one place; at the end of the list nothing changes."""
    Shortlist.objects.select_for_update().get(pk=entry.shortlist_id)
    entries = list(entry.shortlist.entries.all())
    at = entries.index(entry)
    to = min(max(at + by, 0), len(entries) - 1)
    entries.insert(to, entries.pop(at))
    for position, each in enumerate(entries):
        each.position = position
    ShortlistEntry.objects.bulk_update(entries, ["position"])
    touch(entry.shortlist)


def make_link(shortlist: Shortlist, days: int) -> ShortlistLink | None:
    """None if the list has MOST_LINKS links already. Links that expired are removed."""
    shortlist.links.filter(expires_at__lte=timezone.now()).delete()
    if shortlist.links.count() >= MOST_LINKS:
        return None
    link: ShortlistLink = shortlist.links.create(expires_at=timezone.now() + timedelta(days=days))
    return link


def token_of(link: ShortlistLink) -> str:
    """The part of the address that nobody can guess: signed, so no secret has to be stored, and always the same."""
    return signing.Signer(salt=SALT).sign_object(link.pk)


def link_of(token: str) -> ShortlistLink | None:
    """The link with this token, unless it expired or was removed, or the owner's account was closed."""
    try:
        key = signing.Signer(salt=SALT).unsign_object(token)
    except signing.BadSignature:
        return None
    valid = ShortlistLink.objects.filter(expires_at__gt=timezone.now(), shortlist__owner__is_active=True)
    return valid.select_related("shortlist__owner").filter(pk=key).first()


def touch(shortlist: Shortlist) -> None:
    """The list becomes the current one."""
    Shortlist.objects.filter(pk=shortlist.pk).update(changed_at=timezone.now())
