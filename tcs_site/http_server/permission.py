"""Whether the user of a session or a token may send a file."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser, User
from django.db import DatabaseError, connection
from django.http import HttpRequest, parse_cookie

from indexing.models import ApiToken
from tcs_site.http_server import refusals
from tcs_site.http_server.refusals import EarlyRefusal

logger = logging.getLogger(__name__)


def session_key(cookies: str) -> str:
    """The session that a Cookie header names; empty if it names none."""
    return parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME, "")


def bearer_token(authorization: str) -> str:
    """The token that an Authorization header has; empty if it has none."""
    scheme, _space, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def refused_upload(key: str, token: str, rights: Sequence[str]) -> EarlyRefusal | None:
    """Why the user of this token or else of this session, who needs one of the `rights`, may not upload.

    Reads the database, so it is called in a thread of its own.
    """
    try:
        user = _user_of_token(token) if token else _user_of_session(key)
        may_upload = user.is_active and user.is_staff and any(map(user.has_perm, rights))
    except DatabaseError as error:
        logger.warning("An upload was refused: the database does not answer (%s)", error)
        return refusals.NO_DATABASE
    finally:
        connection.close()
    return None if may_upload else refusals.NOT_ALLOWED


def _user_of_session(key: str) -> User | AnonymousUser:
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    return get_user(request)


def _user_of_token(token: str) -> User | AnonymousUser:
    found = ApiToken.objects.by_secret(token)
    return found.user if found else AnonymousUser()
