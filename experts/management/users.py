"""The user under whose name a command changes the directory."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.core.management.base import CommandError
from django.utils.translation import gettext as _


def find_user(username: str | None) -> User | None:
    """None without a username. Raises CommandError (2) if nobody has it."""
    if username is None:
        return None
    try:
        return User.objects.get(username=username)
    except User.DoesNotExist:
        raise CommandError(_("No user is named “%s”.") % username, returncode=2) from None
