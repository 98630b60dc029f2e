"""The caller's address behind a proxy."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any

Application = Callable[[Any, Any, Any], Awaitable[None]]


def behind_proxy(application: Application) -> Application:
    """The caller's address as our own proxy saw it: the last entry of X-Forwarded-For.

    Proxies append to what the caller sent. Daphne's --proxy-headers believes the first entry, which is the caller's
    own word: whoever guesses passwords would write another one each time and never be locked out.
    """

    async def forwarded(scope: Any, receive: Any, send: Any) -> None:
        address = _last_entry(scope.get("headers", ()))
        await application(scope | {"client": [address, 0]} if address else scope, receive, send)

    return forwarded


def _last_entry(headers: Any) -> str:
    """The last address in X-Forwarded-For; empty if there is none or it is invalid."""
    values = [value for name, value in headers if name.lower() == b"x-forwarded-for"]
    last = values[-1].decode("latin-1").rpartition(",")[2].strip() if values else ""
    try:
        return str(ipaddress.ip_address(last))
    except ValueError:
        return ""
