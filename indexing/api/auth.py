"""Who may use the API: a bearer token, or the session of somebody who is signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import gettext as _
from ninja.errors import HttpError
from ninja.security import APIKeyCookie, HttpBearer
from ninja.utils import check_csrf

from indexing.audit import Actor
from indexing.lib.rights import SEARCH, may
from indexing.models import ApiToken, RebuildRun

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.http import HttpRequest


class BearerToken(HttpBearer):
    """`Authorization: Bearer <token>`. An invalid token is refused, even if the request has a valid session."""

    def __init__(self, *any_of: str) -> None:
        super().__init__()
        self.any_of = any_of

    def authenticate(self, request: HttpRequest, token: str) -> User:
        """The token's user.

        Raises HttpError 401 for a token that is unknown, expired or revoked, 403 for a missing permission.
        """
        found = ApiToken.objects.by_secret(token)
        if found is None:
            raise HttpError(401, _("The token is unknown, expired or revoked. Sign in again to get a new one."))
        return _permitted(found.user, self.any_of)


class StaffSession(APIKeyCookie):
    """The session that the pages use. Requests that change something also need the CSRF token."""

    param_name = settings.SESSION_COOKIE_NAME

    def __init__(self, *any_of: str) -> None:
        super().__init__(csrf=True)
        self.any_of = any_of

    def __call__(self, request: HttpRequest) -> Any:
        if not request.user.is_authenticated:
            return None
        if check_csrf(request):
            raise HttpError(403, _("The CSRF check failed. Send the value of the csrftoken cookie as X-CSRFToken."))
        return _permitted(request.user, self.any_of)

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        return request.user


def staff(*any_of: str) -> list[BearerToken | StaffSession]:
    """Members of staff with at least one of these permissions; if none is named, whoever may search.

    Checked before the parameters and the body of a request.
    """
    return [BearerToken(*any_of), StaffSession(*any_of)]


def caller(request: HttpRequest) -> User:
    """The user who sent the request."""
    user: User = request.auth  # type: ignore[attr-defined]  # set by ninja to what the auth class returned
    return user


def actor(request: HttpRequest) -> Actor:
    """The sender of the request, as the audit log records it."""
    user = caller(request)
    return Actor(user.get_username(), RebuildRun.Via.API, user, request.META.get("REMOTE_ADDR") or "")


def _permitted(user: Any, any_of: tuple[str, ...]) -> Any:
    """The user. Raises HttpError 403, which names the missing permission."""
    if may(user, *any_of):
        return user
    if any_of and not user.is_staff:
        raise HttpError(403, _("%(user)s is not a member of staff.") % {"user": user.get_username()})
    missing = any_of[0] if any_of else SEARCH
    raise HttpError(
        403,
        _("%(user)s lacks the permission “%(permission)s”.") % {"user": user.get_username(), "permission": missing},
    )
