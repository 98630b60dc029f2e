"""Responses that the server gives without Django: who sends too much, too slowly or in a way that is not taken."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext, gettext_noop

RETRY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class EarlyRefusal:
    """A status and a sentence, as a message id for gettext and its values."""

    status: HTTPStatus
    sentence: str
    values: tuple[tuple[str, Any], ...] = ()

    def response(self, *, as_json: bool, accept_language: str) -> bytes:
        """The whole response of HTTP/1.1, after which the connection ends."""
        with translation.override(_language(accept_language)):
            sentence = gettext(self.sentence) % dict(self.values)
        body = (json.dumps({"detail": sentence}) if as_json else sentence + "\n").encode()
        kind = "application/json" if as_json else "text/plain; charset=utf-8"
        lines = [
            f"HTTP/1.1 {self.status.value} {self.status.phrase}",
            f"Content-Type: {kind}",
            f"Content-Length: {len(body)}",
            "Connection: close",
            "Cache-Control: no-store",
            "X-Content-Type-Options: nosniff",
        ]
        if self.status == HTTPStatus.SERVICE_UNAVAILABLE:
            lines.append(f"Retry-After: {RETRY_SECONDS}")
        return "\r\n".join([*lines, "", ""]).encode() + body


def _language(accept_language: str) -> str:
    request = HttpRequest()
    request.META["HTTP_ACCEPT_LANGUAGE"] = accept_language
    return translation.get_language_from_request(request)


def too_large(limit: int) -> EarlyRefusal:
    """For a body of more than `limit` bytes."""
    if not limit:
        return EarlyRefusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, gettext_noop("This address does not take any data."))
    return EarlyRefusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        gettext_noop("This is too large: at most %(kilobytes)s KB can be sent here. Nothing was changed."),
        (("kilobytes", limit // 1024),),
    )


def file_too_large() -> EarlyRefusal:
    return EarlyRefusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        gettext_noop(
            "The file is larger than %(megabytes)s MB. Split it, or ask your administrator to raise the limit."
        ),
        (("megabytes", settings.TCS_IMPORT_MAX_MB),),
    )


NO_LENGTH = EarlyRefusal(
    HTTPStatus.LENGTH_REQUIRED,
    gettext_noop("The length of the request is missing. Send a Content-Length header, and the body not in chunks."),
)
NOT_ALLOWED = EarlyRefusal(
    HTTPStatus.FORBIDDEN,
    gettext_noop("Only a user who is signed in and may import experts can send a file of this size. Sign in again."),
)
TOO_SLOW = EarlyRefusal(
    HTTPStatus.REQUEST_TIMEOUT, gettext_noop("The request took too long to arrive. Nothing was changed. Try again.")
)
BUSY = EarlyRefusal(
    HTTPStatus.SERVICE_UNAVAILABLE,
    gettext_noop("The server receives too much data at the moment. Nothing was changed. Try again in a few seconds."),
)
NO_DATABASE = EarlyRefusal(
    HTTPStatus.SERVICE_UNAVAILABLE, gettext_noop("The database does not answer at the moment; try again.")
)
NOT_STORED = EarlyRefusal(
    HTTPStatus.INSUFFICIENT_STORAGE,
    gettext_noop(
        "The file could not be stored; probably the disk is full. Nothing was changed. Tell your administrator."
    ),
)
