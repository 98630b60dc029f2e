"""Django's entry point, which reads a large upload from the file that the server has stored it in."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.exception import convert_exception_to_response

from experts.importing.received import received


class UploadHandler(ASGIHandler):
    """Django alone would copy the body from the server's memory to a file, and from there to another.

    And it would call each view from the event loop, although the middleware around it runs in a thread: see
    `tcs_site.threads`. Here the view, and what middleware does just before it, run where the middleware does.
    """

    _get_response: Callable[..., Any]
    _get_response_async: Callable[..., Any]

    def adapt_method_mode(
        self,
        is_async: bool,
        method: Callable[..., Any],
        method_is_async: bool | None = None,
        debug: bool = False,
        name: str | None = None,
    ) -> Any:
        if not is_async and getattr(method, "__wrapped__", None) == self._get_response_async:  # the innermost
            return convert_exception_to_response(self._get_response)
        if method_is_async is None:  # of a middleware: `process_view` and the like
            is_async = False
        return super().adapt_method_mode(is_async, method, method_is_async, debug, name)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = received.get()
        try:
            await super().__call__(scope, receive, send)
        finally:
            if body is not None:
                body.close()

    def create_request(self, scope: Any, body_file: IO[bytes]) -> Any:
        body = received.get()
        return super().create_request(scope, body_file if body is None else body.reader())
