"""Responses to errors that reach Django's own handler, and to too many failed sign-ins."""

from __future__ import annotations

import sys
from http import HTTPStatus
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.defaults import bad_request, server_error

from indexing.sign_in.axes_handler import SignInRequest
from indexing.sign_in.texts import duration_text

RETRY_SECONDS = 5
TOO_LARGE = ("Expression tree is too large", "too many SQL variables", "parser stack overflow")
"""What SQLite says of a statement that no repetition makes smaller."""


def internal_error(request: HttpRequest) -> HttpResponse:
    """503 with a Retry-After while the database is away, otherwise the page for a 500.

    A request for too much gets a 400.

    Django calls this while the error is being handled, in whatever layer it was raised: a middleware's
    `process_exception` would see only those of views.
    """
    error = sys.exc_info()[1]
    if not isinstance(error, OperationalError | InterfaceError):
        return server_error(request)
    if str(error).startswith(TOO_LARGE):
        return bad_request(request, error)
    # without the request, whose context would read the user from the database
    response = HttpResponse(render_to_string("503.html"), status=503)
    response["Retry-After"] = str(RETRY_SECONDS)
    return response


def must_wait(
    request: SignInRequest, _response: HttpResponse | None, _credentials: dict[str, Any] | None
) -> HttpResponse:
    """The page after too many failed sign-ins: for how long, and who is not affected."""
    seconds = request.sign_in_attempt.wait
    context = {"time": duration_text(seconds)}
    response = render(request, "must_wait.html", context, status=HTTPStatus.TOO_MANY_REQUESTS)
    response["Retry-After"] = str(seconds)
    return response
