"""Middleware that decides which thread handles a request."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_only_middleware


@sync_only_middleware
def one_thread(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Innermost middleware: makes the middleware around it, up to the static files, run in the view's thread too.

    Else Django calls it in the event loop and goes over to the thread and back for each of its halves: 20 times for
    one request where now it is 5, which takes a millisecond and a half more. `UploadHandler` has a part in it.
    """
    return get_response
