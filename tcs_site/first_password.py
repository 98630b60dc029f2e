"""The random password of the first user, stored until that user signs in or gets another one.

It may never have been seen: a start can end between creating the user and printing the password.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import check_password

if TYPE_CHECKING:
    from django.contrib.auth.models import User  # not yet there when the app is set up

USERNAME = "admin"
FILE = "first_password"


def choose() -> str:
    """A random password, or the one that an interrupted start chose. It is on the disk. Raises OSError."""
    if chosen := _read():
        return chosen
    chosen = secrets.token_urlsafe(12)
    unfinished = _path().with_suffix(".new")
    with unfinished.open("w") as file:
        file.write(chosen)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(_path())
    return chosen


def unused() -> str | None:
    """The password if the first user has it still and never signed in; otherwise None."""
    chosen = _read()
    user = get_user_model().objects.filter(username=USERNAME).first() if chosen else None
    return chosen if user and not _is_used(user, chosen) else None


def forget() -> None:
    """Delete the stored password."""
    _path().unlink(missing_ok=True)


def forget_once_used(instance: User, **_signal: Any) -> None:
    """Called when a user was saved, which a sign-in does too."""
    chosen = _read() if instance.username == USERNAME else ""
    if chosen and _is_used(instance, chosen):
        forget()


def _is_used(user: User, chosen: str) -> bool:
    return user.last_login is not None or not check_password(chosen, user.password)


def _path() -> Path:
    return Path(settings.DATA_DIR) / FILE


def _read() -> str:
    """The stored password; empty without one."""
    try:
        return _path().read_text().strip()
    except OSError:
        return ""
