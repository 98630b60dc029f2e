"""Fetches photos from elsewhere, once and on command. The addresses come from imports, so they are not trusted: only
public servers are asked, whatever a name resolves to or a redirect says, and only pictures are kept."""

from __future__ import annotations

import io
import ipaddress
import socket
import ssl
import time
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import quote, urljoin, urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from experts.attachments import photos

MAX_REDIRECTS = 5
SECONDS_SILENT, SECONDS = 10.0, 30.0
"""How long a server may say nothing, and how long one photo may take with all redirects."""
_SAFE = "/?%:@!$&'()*+,;=~"
_CHUNK = 64 * 2**10
_REDIRECTS = (301, 302, 303, 307, 308)
_TRUSTED = ssl.create_default_context()
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotFetched(Exception):
    """A photo was not fetched; the message says why."""


def fetch_photo(url: str) -> bytes:
    """The picture at an address, as `photos.encoded`. Raises NotFetched."""
    deadline = time.monotonic() + SECONDS
    try:
        for _redirect in range(MAX_REDIRECTS + 1):
            content, url = _get(url, deadline)
            if content is not None:
                return photos.encoded(io.BytesIO(content))
    except ValidationError as error:
        raise NotFetched(" ".join(error.messages)) from error
    except (OSError, HTTPException, ValueError) as error:  # ValueError: what cannot be an address
        raise NotFetched(_("The server could not be reached: %s.") % (str(error) or type(error).__name__)) from error
    raise NotFetched(_("The address leads to more than %s others.") % MAX_REDIRECTS)


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the internet, and not to this machine, its network or its provider."""
    found: Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo and found.teredo[1])
        if found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner and not is_public(str(inner)):
            return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def _get(url: str, deadline: float) -> tuple[bytes | None, str]:
    """The content at an address, or else the address that it redirects to.

    Raises NotFetched, OSError, HTTPException, and ValueError for what is not an address.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NotFetched(_("“%s” is not a web address.") % url[:200])
    kind = _Https if parts.scheme == "https" else _Http
    connection = kind(parts.hostname, parts.port, timeout=SECONDS_SILENT)
    path = quote(parts.path or "/", safe=_SAFE) + (f"?{quote(parts.query, safe=_SAFE)}" if parts.query else "")
    try:
        connection.request("GET", path, headers={"Accept": "image/*", "User-Agent": "TCS"})
        answer = connection.getresponse()
        if answer.status in _REDIRECTS and (place := answer.getheader("Location")):
            return None, urljoin(url, place)
        if answer.status != 200:
            raise NotFetched(_("The server answered with status %s.") % answer.status)
        return _read(answer, deadline), url
    finally:
        connection.close()


def _read(answer: HTTPResponse, deadline: float) -> bytes:
    content = bytearray()
    while chunk := answer.read1(_CHUNK):
        content += chunk
        if len(content) > photos.MAX_BYTES:
            raise NotFetched(_("The picture is larger than %s MB.") % (photos.MAX_BYTES // 2**20))
        if time.monotonic() > deadline:
            raise NotFetched(_("It took longer than %s seconds.") % int(SECONDS))
    return bytes(content)


class _Http(HTTPConnection):
    def connect(self) -> None:
        self.sock = _public_socket(self.host, self.port)


class _Https(HTTPSConnection):
    def connect(self) -> None:
        self.sock = _TRUSTED.wrap_socket(_public_socket(self.host, self.port), server_hostname=self.host)


def _public_socket(host: str, port: int) -> socket.socket:
    """A connection to a host all of whose addresses are public. What was checked is what is connected to: the name is
    looked up once. Raises NotFetched and OSError."""
    found = list(dict.fromkeys(str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
    if not all(is_public(address) for address in found):
        raise NotFetched(_("“%s” is not a public server.") % host)
    return socket.create_connection((found[0], port), SECONDS_SILENT)
