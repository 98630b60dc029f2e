"""Middleware that compresses pages and JSON.

BREACH: who can make a browser send requests with chosen words, and can see how long the encrypted responses are,
guesses a secret of the page letter by letter, since a right guess compresses better. It takes a response that has
both the words and a secret, and is compressed.

- Django masks the CSRF token with new random letters for each response, so there is nothing to guess in it; and it
  adds up to 100 random bytes to what it compresses.
- Pages that show a secret are not compressed: all below /accounts/ (links of invitations and of new passwords), those
  of shortlists (links for anybody) and where API tokens are shown. Nor are responses to a POST, such as a new token.
- Requests from other sites come without the session's cookie (SameSite=Lax), unless they open the page itself.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

SECRET = ("/accounts/", "/shortlists/", "/shared/", "/api/docs", "/api/admin/auth", "/admin/login/")
"""What the addresses of responses begin with that show secrets."""
TYPES = ("text/html", "application/json", "application/problem+json", "text/plain", "text/javascript")
"""What is worth it. Files to download are compressed already, or would have to be held in memory."""


class CompressionMiddleware(GZipMiddleware):
    """Django's, for responses without secrets."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not is_worth_it(request, response):
            return response
        return super().process_response(request, response)


def is_worth_it(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether the response may be compressed, and is a page or JSON."""
    return (
        request.method in ("GET", "HEAD")
        and not request.path_info.startswith(SECRET)
        and not response.streaming
        and response.headers.get("Content-Type", "").startswith(TYPES)
    )
