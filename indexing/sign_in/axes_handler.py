"""The rules of this package as a handler of django-axes, which is asked wherever `authenticate` is called."""

from __future__ import annotations

from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username
from django.http import HttpRequest

from indexing.sign_in import counting, devices, limits
from indexing.sign_in.counting import Attempt


class SignInRequest(HttpRequest):
    """What this package adds to a request that signs in."""

    sign_in_attempt: Attempt
    signed_in_name: str
    axes_locked_out: bool


class GrowingDelays(AxesDatabaseHandler):
    """Stores failures and sign-ins as its base class does, and decides by our own counts."""

    def is_locked(self, request: SignInRequest, credentials: dict[str, Any] | None = None) -> bool:
        """Count this attempt; True if it has to wait. Called once for every attempt."""
        if getattr(request, "signs_in_elsewhere", False):  # no password is tried here
            return False
        name, address = get_client_username(request, credentials) or "", _address(request)
        device = devices.device_of(request, name)
        known = not device and counting.is_known(name, address)
        attempt = counting.begin(limits.of_a_sign_in(name, address, device=device, known=known))
        request.sign_in_attempt = attempt
        return attempt.wait > 0

    def get_failures(self, request: SignInRequest, credentials: dict[str, Any] | None = None) -> int:
        """Nothing of axes' own locks anybody out."""
        return 0

    def user_logged_in(self, sender: Any, request: SignInRequest, user: Any, **signal: Any) -> None:
        super().user_logged_in(sender, request, user, **signal)
        attempt = attempt_of(request)
        if attempt is not None:  # else the user was signed in without a password, by a test
            counting.succeed(attempt)
            counting.remember(user.get_username(), _address(request))
            request.signed_in_name = user.get_username()


def attempt_of(request: HttpRequest) -> Attempt | None:
    """The attempt to sign in that this request made."""
    return getattr(request, "sign_in_attempt", None)


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR") or "")
