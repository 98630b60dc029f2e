"""Which pages may open the socket."""

from __future__ import annotations

import pytest

from tcs_site.origins import is_ours

HOST = "experts.example.org"


@pytest.mark.parametrize(
    ("origin", "host", "ours"),
    [
        ("http://localhost:8000", "localhost:8000", True),
        ("http://LOCALHOST:8000", "localhost:8000", True),
        ("http://localhost:8001", "localhost:8000", False),
        ("http://localhost", "localhost:8000", False),
        ("http://localhost:8000", "localhost", False),
        ("http://localhost", "localhost", True),
        ("http://localhost:80", "localhost", True),
        ("https://localhost", "localhost:443", True),
        ("https://localhost:443", "localhost", True),
        ("http://127.0.0.1:8000", "localhost:8000", False),
        ("http://[::1]:8000", "[::1]:8000", True),
        ("http://evil.example:8000", "evil.example:8000", False),
        ("http://evil.example", "localhost", False),
        ("null", "localhost", False),
        ("", "localhost", False),
        ("http://", "localhost", False),
        ("http://localhost:8000/", "localhost:8000", False),
        ("http://x@localhost:8000", "localhost:8000", False),
        ("http://localhost:x", "localhost", False),
        ("http://[::1", "[::1", False),
        ("file://localhost", "localhost", False),
        ("ws://localhost", "localhost", False),
        ("http://localhost", "localhost/x", False),
    ],
)
def test_host_and_port_of_the_page_must_be_those_of_the_server(origin, host, ours):
    assert is_ours(origin, host) == ours


@pytest.mark.parametrize(
    ("origin", "host", "ours"),
    [
        (f"https://{HOST}", HOST, True),
        (f"https://{HOST}", "localhost:8000", True),
        (f"https://{HOST}:8443", HOST, False),
        (f"http://{HOST}", HOST, False),
        (f"https://{HOST}.evil.example", HOST, False),
    ],
)
def test_behind_a_proxy_with_tls_only_its_origin_is_ours(settings, origin, host, ours):
    settings.TRUSTED_ORIGINS = [f"https://{HOST}"]
    settings.BEHIND_TLS = True
    settings.ALLOWED_HOSTS = [HOST, "localhost"]
    assert is_ours(origin, host) == ours
