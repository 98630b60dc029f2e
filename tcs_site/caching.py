"""Middleware that keeps answers out of caches."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

PRIVATE = "private, no-store"


def private_by_default(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """No answer may be stored unless its view says how: nearly all depend on who is signed in.

    Static files are served by another middleware, outside of this one.
    """

    def private(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Cache-Control", PRIVATE)
        return response

    return private
