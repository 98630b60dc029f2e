"""Middleware that decides which thread handles a request."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.security import SecurityMiddleware
from django.utils.decorators import sync_only_middleware


@sync_only_middleware
def one_thread(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Innermost middleware: makes the middleware around it, up to the static files, run in the view's thread too.

    Else Django calls it in the event loop and goes over to the thread and back for each of its halves: 20 times for
    one request where now it is 3, which takes more than two milliseconds more. `UploadHandler` has a part in it.
    """
    return get_response


class SecurityHeaders(SecurityMiddleware):
    """Django's, in the event loop: it only looks at the address and sets headers. To go over to the request's thread
    and back for each of its halves takes longer."""

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.process_request(request)
        if response is None:
            response = await self.get_response(request)  # type: ignore[misc]  # awaitable where this is called
        return self.process_response(request, response)
