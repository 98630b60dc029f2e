"""Whether the user of a session may send a file to import."""

from __future__ import annotations

import logging
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.db import DatabaseError, connection
from django.http import HttpRequest, parse_cookie

from tcs_site.http_server import refusals
from tcs_site.http_server.refusals import EarlyRefusal

logger = logging.getLogger(__name__)


def session_key(cookies: str) -> str:
    """The session that a Cookie header names; empty if it names none."""
    return parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME, "")


def refused_upload(key: str) -> EarlyRefusal | None:
    """Why the user of this session may not upload. Reads the database, so it is called in a thread of its own."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    try:
        user = get_user(request)
        may_import = user.is_active and user.is_staff and user.has_perm("experts.import")
    except DatabaseError as error:
        logger.warning("An upload was refused: the database does not answer (%s)", error)
        return refusals.NO_DATABASE
    finally:
        connection.close()
    return None if may_import else refusals.NOT_ALLOWED
