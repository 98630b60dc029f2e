"""Browsers that have signed in before, known by a signed cookie: strangers cannot make them wait."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from indexing.sign_in import limits

COOKIE = "tcs_browser"
PATH = "/"
LASTS = timedelta(days=180)
NAMES = 5
"""The most names that one browser is known for."""


def device_of(request: HttpRequest, name: str) -> str:
    """What the browser is counted as when it signs in with `name`; empty if it never has."""
    return _read(request).get(_mark(name), "")


def remember_device(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: after signing in with `request.signed_in_name`, the browser is known for that name."""

    def remembering(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if name := getattr(request, "signed_in_name", ""):
            _write(request, response, name)
        return response

    return remembering


def _read(request: HttpRequest) -> dict[str, str]:
    try:
        value = signing.loads(request.COOKIES.get(COOKIE, ""), salt=COOKIE, max_age=LASTS)
    except signing.BadSignature:
        return {}
    return dict(value)


def _write(request: HttpRequest, response: HttpResponse, name: str) -> None:
    mark, known = _mark(name), _read(request)
    known[mark] = known.pop(mark, "") or secrets.token_urlsafe(12)  # the latest last
    kept = dict(list(known.items())[-NAMES:])
    response.set_cookie(
        COOKIE,
        signing.dumps(kept, salt=COOKIE),
        max_age=LASTS,
        path=PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _mark(name: str) -> str:
    return limits.key("browser", name)[-20:]
