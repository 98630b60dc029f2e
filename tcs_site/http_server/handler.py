"""Django's entry point, which reads a large upload from the file that the server has stored it in."""

from __future__ import annotations

from typing import IO, Any

from django.core.handlers.asgi import ASGIHandler

from experts.importing.received import received


class UploadHandler(ASGIHandler):
    """Django alone would copy the body from the server's memory to a file, and from there to another."""

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
