"""What is counted for an attempt to sign in, and how long one waits after failures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.crypto import salted_hmac

from indexing.lib.addresses import one_caller

FIRST_PAUSE = 5.0
"""seconds to wait after the first failure that is too many; doubles with each further one"""
LONGEST_PAUSE = 15 * 60.0
LONGEST_OF_A_NAME = 60.0
"""A stranger can make this wait for a name, everywhere where nobody has signed in with it before."""
MANY = 3
"""How many times more failures are free where different people count together."""
FORGOTTEN_AFTER = timedelta(hours=24)
"""without a failure; then counting starts again"""


@dataclass(frozen=True, slots=True)
class Limit:
    free: int
    """failures without a wait"""
    longest: float = LONGEST_PAUSE
    shared: bool = False
    """Whether failures of different people count: a success of one does not forgive those of the others."""

    def seconds_left(self, failures: int, since: timedelta) -> float:
        """Seconds to wait with the latest of these `failures` that long ago; 0 or less: none."""
        over = failures - self.free
        if over < 0:
            return 0.0
        pause = min(FIRST_PAUSE * 2 ** min(over, 20), self.longest)
        return pause - since.total_seconds()


Limits = Mapping[str, Limit]
"""What is counted, by its key."""


def of_a_sign_in(name: str, address: str, *, device: str, known: bool) -> Limits:
    """`device` is the browser, if it has signed in with this name before; `known` says that the address has."""
    free = int(settings.TCS_LOGIN_ATTEMPTS)
    if device:
        return {key("device", device): Limit(free)}
    limits = {
        key("pair", name, one_caller(address)): Limit(free),
        key("address", one_caller(address)): Limit(MANY * free, shared=True),
    }
    if not known:
        limits[key("name", name)] = Limit(MANY * free, LONGEST_OF_A_NAME, shared=True)
    return limits


def of_an_own_password(user: int) -> Limits:
    """Guessing the password of the account that is signed in, on the page that changes it."""
    return {key("password", str(user)): Limit(int(settings.TCS_LOGIN_ATTEMPTS))}


def of_a_reset(email: str, address: str) -> Limits:
    """Asking for a mail with which to set a new password: of one address, and from one place."""
    free = int(settings.TCS_LOGIN_ATTEMPTS)
    return {
        key("reset", email.casefold()): Limit(max(free // 2, 1)),
        key("reset-from", one_caller(address)): Limit(MANY * free),
    }


def key(kind: str, *what: str) -> str:
    """The key of a row. What somebody typed as a name may be a password: it is not readable in it."""
    return f"{kind}:{salted_hmac(f'tcs.sign_in.{kind}', repr(what), algorithm='sha256').hexdigest()}"


def seconds_left(limits: Limits, counts: Mapping[str, tuple[int, datetime]], now: datetime) -> float:
    """The longest of the waits, in seconds; 0 or less: none. `counts` has failures, and when the latest was."""
    return max(
        (limits[each].seconds_left(failures, now - at) for each, (failures, at) in counts.items()), default=0.0
    )
