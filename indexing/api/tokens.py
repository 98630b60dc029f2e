"""Signing in from a program: username and password for a token."""

from __future__ import annotations

from django.contrib.auth import authenticate, user_logged_in
from django.http import HttpResponse
from django.utils.translation import gettext as _

from indexing.api.errors import refusal
from indexing.api.routing import StrictRouter
from indexing.api.schemas.common import Credentials, Invalid, Refusal, Token
from indexing.models import ApiToken
from indexing.sign_in.axes_handler import SignInRequest
from indexing.sign_in.texts import wait_text

router = StrictRouter(tags=["sign in"])


@router.post(
    "/auth",
    auth=None,
    response={200: Token, 401: Refusal, 422: Invalid, 429: Refusal},
    summary="Get a token",
    description=(
        "For members of staff. The token expires after `TCS_TOKEN_HOURS` (24 by default). After too many failures "
        "the answer is 429, with the seconds to wait in `Retry-After`."
    ),
)
def sign_in(request: SignInRequest, credentials: Credentials) -> Token | HttpResponse:
    user = authenticate(request, username=credentials.username, password=credentials.password)
    if seconds := request.sign_in_attempt.wait:
        request.axes_locked_out = False  # otherwise its middleware responds in HTML
        response = refusal(429, wait_text(seconds))
        response["Retry-After"] = str(seconds)
        return response
    if user is None or not user.is_staff:
        return refusal(401, _("The username or password is wrong, or the user is not a member of staff."))
    # Resets the count of failed attempts, and records the time of this sign-in.
    user_logged_in.send(sender=type(user), request=request, user=user)
    token, secret = ApiToken.objects.issue(user)
    return Token(token=secret, expires_at=token.expires_at.timestamp())
