"""What a deleted user did stays in the history, under their name.

An entry of the admin's history belongs to a user, and Django deletes it with the user. So that user's entries are
handed over, in the same transaction, to an account that cannot sign in and is called after the deleted one. This
holds however the user is deleted: in the admin, in a shell, many at once.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db.models import ProtectedError, QuerySet
from django.db.models.signals import pre_delete
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext as _

from experts.stored_language import stored_language

MARK = "!deleted"
"""The password of such an account. No password has a hash that begins with an exclamation mark."""
LONGEST = 150


def is_stand_in(user: User) -> bool:
    """Whether the account stands for a deleted user in the history."""
    return user.password == MARK


def stand_ins() -> QuerySet[User]:
    return User.objects.filter(password=MARK)


@receiver(pre_delete, sender=settings.AUTH_USER_MODEL)
def keep_the_history(instance: User, **_signal: Any) -> None:
    """Hand the entries over before Django deletes them. Raises ProtectedError for an account that got them so."""
    entries = LogEntry.objects.filter(user=instance)
    if not entries.exists():
        return
    if is_stand_in(instance):
        raise ProtectedError("This account keeps the history of a deleted user.", set(entries[:10]))
    entries.update(user=_stand_in_of(instance))


def _stand_in_of(user: User) -> User:
    """The account for the entries of `user`. One name that was deleted twice on one day is one account."""
    with stored_language():
        suffix = " " + _("(deleted on %(date)s)") % {"date": timezone.localdate().isoformat()}
    name = user.get_username()[: LONGEST - len(suffix)] + suffix
    return User.objects.get_or_create(username=name, password=MARK, defaults={"is_active": False})[0]
