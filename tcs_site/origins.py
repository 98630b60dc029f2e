"""Which pages may open the socket: browsers send their cookies along, whichever page it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import SplitResult, urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import validate_host

Application = Callable[[Any, Any, Any], Awaitable[None]]
PORTS = {"http": 80, "https": 443}


def same_origin_only(application: Application) -> Application:
    """Refuse sockets of pages of another host or another port, unless TCS_TRUSTED_ORIGINS names them.

    Channels' own check takes any port of an allowed host: another program on the same machine would be believed.
    """

    async def checked(scope: Any, receive: Any, send: Any) -> None:
        headers = [(name, value.decode("latin-1")) for name, value in scope.get("headers", ())]
        origins = [value for name, value in headers if name == b"origin"]
        hosts = [value for name, value in headers if name == b"host"]
        allowed = len(origins) == len(hosts) == 1 and is_ours(origins[0], hosts[0])
        await (application if allowed else WebsocketDenier())(scope, receive, send)

    return checked


def is_ours(origin: str, host: str) -> bool:
    """Whether a page of `origin` was loaded from `host`, a Host header, or is trusted."""
    if origin.lower() in settings.TRUSTED_ORIGINS:
        return True
    page, asked = _split(origin), _split(f"//{host}")
    if page is None or asked is None or page.scheme not in PORTS or (settings.BEHIND_TLS and page.scheme == "http"):
        return False
    default = PORTS[page.scheme]
    return (
        page.hostname == asked.hostname
        and (page.port or default) == (asked.port or default)
        and validate_host(_in_brackets(page.hostname or ""), settings.ALLOWED_HOSTS)
    )


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.hostname and not parts.path and "@" not in parts.netloc else None


def _in_brackets(host: str) -> str:
    return f"[{host}]" if ":" in host else host
