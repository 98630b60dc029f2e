"""Whatever goes wrong under /api/ is JSON with a sentence in `detail`."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import RawPostDataException
from django.utils.decorators import sync_and_async_middleware
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from experts.editing import FieldsInvalid
from indexing.api import validation
from indexing.errors import Busy, IndexingError, InvalidInput
from indexing.lib.translation import translated

logger = logging.getLogger(__name__)

PREFIX = "/api/"
RETRY_SECONDS = 5
BODY = "body"
BODY_HEADERS = {"Content-Type", "Content-Length", "Content-Encoding", "Content-Language"}


def refusal(status: int, detail: str, **more: Any) -> JsonResponse:
    response = JsonResponse({"detail": detail, **more}, status=status)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response["Retry-After"] = str(RETRY_SECONDS)
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    return response


def handle(api: NinjaAPI) -> None:
    """Register a response for each kind of error; a subclass gets that of its base class."""
    for kind, answer in {
        Busy: _busy,
        InvalidInput: _invalid_input,
        FieldsInvalid: _fields_invalid,
        IndexingError: _indexing_error,
        OperationalError: _database_away,
        InterfaceError: _database_away,
        ValidationError: _not_valid,
        RawPostDataException: _not_json,
        HttpError: _refused,
    }.items():
        api.add_exception_handler(kind, answer)


def invalid(fields: dict[str, str]) -> JsonResponse:
    """422: one sentence for each invalid field, and all of them together in `detail`."""
    return refusal(422, " ".join(f"{name}: {sentence}" for name, sentence in fields.items()), fields=fields)


def _busy(_request: HttpRequest, error: Any) -> JsonResponse:
    # An older front end compares this text; who runs what since when stands beside it.
    return refusal(409, "Ingest job already running", run=error.run.pk, sentence=translated(error))


def _invalid_input(_request: HttpRequest, error: Any) -> JsonResponse:
    return invalid({error.field: translated(error)})


def _fields_invalid(_request: HttpRequest, error: Any) -> JsonResponse:
    return invalid(error.fields)


def _indexing_error(request: HttpRequest, error: Any) -> JsonResponse:
    if error.status == HTTPStatus.INTERNAL_SERVER_ERROR:  # none that a request is expected to meet
        logger.error("%s failed", request.path, exc_info=error)
    return refusal(error.status, translated(error))


def _database_away(request: HttpRequest, error: Any) -> JsonResponse:
    logger.warning("%s: the database does not answer (%s)", request.path, error)
    return refusal(503, _("The database does not answer at the moment; try again."))


def _not_valid(_request: HttpRequest, error: Any) -> JsonResponse:
    fields = {}
    for problem in error.errors:
        # the place is ("query", "k") for a parameter and ("body", <argument>, "kind") for a body's field
        place = [str(part) for part in problem["loc"]]
        fields[place[-1] if place[0] != BODY or len(place) > 2 else BODY] = validation.sentence(problem)
    return invalid(fields)


def _not_json(_request: HttpRequest, _error: Any) -> JsonResponse:
    """A body that is a form gets here too: the CSRF check has read it for its token, and it can be read only once."""
    return invalid({BODY: _("is not valid JSON.")})


def _refused(_request: HttpRequest, error: Any) -> JsonResponse:
    if isinstance(error, AuthenticationError):
        return refusal(401, _("Sign in, or send a token: Authorization: Bearer ..."))
    if error.status_code == HTTPStatus.BAD_REQUEST:  # how ninja reports a body that is not JSON
        return _not_json(_request, error)
    return refusal(error.status_code, str(error))


@sync_and_async_middleware
def json_errors(
    get_response: Callable[[HttpRequest], Any],
) -> Callable[[HttpRequest], HttpResponse | Awaitable[HttpResponse]]:
    """Turn what Django itself refuses under /api/ (unknown address, wrong method, error page) into JSON too."""
    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> HttpResponse:
            return _as_json(request, await get_response(request))

        return asynchronous

    def synchronous(request: HttpRequest) -> HttpResponse:
        return _as_json(request, get_response(request))

    return synchronous


def _as_json(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    if (
        response.status_code < HTTPStatus.BAD_REQUEST
        or not request.path.startswith(PREFIX)
        or response.get("Content-Type", "").startswith("application/json")
    ):
        return response
    sentence = refusal(response.status_code, _sentence(request, response))
    for name, value in response.items():  # keep headers set by other code: Allow, Retry-After, the security headers
        if name not in BODY_HEADERS:
            sentence.headers.setdefault(name, value)
    sentence.cookies = response.cookies
    return sentence


def _sentence(request: HttpRequest, response: HttpResponse) -> str:
    match response.status_code:
        case HTTPStatus.NOT_FOUND:
            return _("There is nothing at %(path)s; /api/docs lists what there is.") % {"path": request.path}
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return _("%(method)s does not work here; use %(allowed)s.") % {
                "method": request.method,
                "allowed": response.get("Allow", ""),
            }
        case HTTPStatus.INTERNAL_SERVER_ERROR:
            return _("Something went wrong on the server; its log has the details.")
    return response.reason_phrase
