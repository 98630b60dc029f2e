"""Usernames in addresses: a slash that is written as %2F belongs to the username.

`/experts/a/documents` are the documents of “a”, `/experts/a%2Fdocuments` is the expert “a/documents”. Servers decode
an address before it is looked up, and then both read the same: so we look at it as it was sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware
from django.utils.translation import gettext as _
from ninja import Path
from ninja.errors import HttpError

from experts import editing
from experts.models import Expert

USERNAME = Path(
    description="As it is written, or one that reads the same. Write a slash in it as %2F, as URL encoding does."
)
_EXPERTS = "/api/directory/experts/"
_SLASH = "\x1f"
"""Stands for a slash of a username until the address is looked up. No username has this character."""


def find_expert(username: str) -> Expert:
    """The expert whose username is in an address. Raises HttpError 404."""
    expert = editing.find(username.replace(_SLASH, "/"), Expert.objects.all())
    if expert is None:
        raise unknown_expert()
    return expert


def unknown_expert() -> HttpError:
    return HttpError(404, _("There is no expert with this username."))


@sync_and_async_middleware
def keep_slashes_of_usernames(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Middleware: addresses are looked up with the slashes of usernames marked."""
    if iscoroutinefunction(get_response):
        return _asynchronous(get_response)

    def synchronous(request: HttpRequest) -> HttpResponse:
        _mark(request)
        response: HttpResponse = get_response(request)
        return response

    return synchronous


def _asynchronous(
    get_response: Callable[[HttpRequest], Awaitable[HttpResponse]],
) -> Callable[[HttpRequest], Awaitable[HttpResponse]]:
    async def asynchronous(request: HttpRequest) -> HttpResponse:
        _mark(request)
        return await get_response(request)

    return asynchronous


def _mark(request: HttpRequest) -> None:
    sent: bytes = getattr(request, "scope", {}).get("raw_path") or b""
    if b"%2f" not in sent.lower() or not request.path_info.startswith(_EXPERTS):
        return
    written = sent.replace(b"%2F", b"%1F").replace(b"%2f", b"%1F")
    marked = unquote(written.decode("latin-1"))[-len(request.path_info) :]
    if marked.startswith(_EXPERTS) and marked.replace(_SLASH, "/") == request.path_info:
        request.path_info = marked
