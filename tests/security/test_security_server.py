"""What only a real server shows: origins, hostile sockets, and what stands in front of it."""

from __future__ import annotations

import base64
import os
import re
import socket
import struct
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.support import cast
from tests.support.server import PLAIN, Server, Site, serving
from tests.support.waiting import until

NAME = "experts.example.org"
TLS = {"Host": NAME, "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.5"}
"""What a proxy that ends TLS sends."""
ORIGIN = f"https://{NAME}"
ATTEMPTS = 4
LINES, LINE = 400, 16_000


@pytest.fixture(scope="module")
def server(tmp_path_factory, migrated) -> Iterator[Server]:
    given = {"TCS_TRUSTED_ORIGINS": ORIGIN, "TCS_WORKER": "external", "TCS_LOGIN_ATTEMPTS": str(ATTEMPTS)}
    site = Site.like(migrated, tmp_path_factory.mktemp("proxied"), given)
    site.run(
        "from tests.support import cast; cast.staff('indexing.view', username='vi'); cast.staff(username='guessed');"
        "from indexing.models import RebuildRun; RebuildRun.objects.create()"
    )
    with serving(site) as server:
        yield server


@pytest.fixture(scope="module")
def session(server: Server) -> httpx.Client:
    """The viewer's browser, by way of the proxy."""
    client = httpx.Client(base_url=server.url, headers=TLS, timeout=60, verify=PLAIN)
    form = client.get("/admin/login/")
    assert form.status_code == 200
    sent = {"username": "vi", "password": cast.PASSWORD, "csrfmiddlewaretoken": token_in(form)}
    cookies = dict(client.cookies.items())
    answer = client.post("/admin/login/", data=sent, headers={"Referer": ORIGIN, "Cookie": cookie_header(cookies)})
    assert answer.status_code == 302, answer.text
    cookies |= dict(answer.cookies.items())
    client.headers["Cookie"] = cookie_header(cookies)  # by hand: they are for TLS only
    return client


def token_in(form: httpx.Response) -> str:
    return re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)[1]  # type: ignore[index]


def cookie_header(cookies: dict[str, str]) -> str:
    return "; ".join(map("=".join, cookies.items()))


def opened(server: Server, session: httpx.Client, **options: object) -> ClientConnection:
    headers = {"Cookie": session.headers["Cookie"], **{name: TLS[name] for name in TLS if name != "Host"}}
    wanted: dict[str, Any] = {"origin": ORIGIN, "max_size": None} | options
    wire = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    return connect(f"ws://{NAME}/ws/index/", sock=wire, additional_headers=headers, **wanted)


# --- Addresses ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("letter", ["a", "ж"])
def test_a_query_of_10_000_letters_of_any_script_reaches_the_search(session, letter):
    answer = session.get("/api/search", params={"q": letter * 10_000})
    assert (answer.status_code, "no index" in answer.text) == (503, True)


# --- The socket ---------------------------------------------------------------------------------------------
def test_a_page_of_our_own_origin_opens_the_socket(server, session):
    with opened(server, session) as tab:
        tab.send('{"run": 0, "after": 0}')
        assert "run-status" in tab.recv(30)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        f"https://{NAME}.evil.example",
        f"https://evil-{NAME}",
        f"https://{NAME}:8443",
        f"http://{NAME}",
        "null",
        None,
    ],
)
def test_a_page_of_another_origin_is_refused_although_the_browser_sends_the_cookie(server, session, origin):
    with pytest.raises(InvalidStatus) as refused, opened(server, session, origin=origin):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "said",
    [
        "{",
        "[]",
        "null",
        '"x"',
        '{"run": "x", "after": {}}',
        '{"run": -1, "after": 1e999}',
        '{"run": NaN}',
        '{"run": 99999999999999999999}',
        '{"seen": false}',
        "x" * 5_000,
        "[" * 900,
        b"\xff\x00",
        b"{}",
        "",
    ],
)
def test_a_message_that_makes_no_sense_is_passed_over(server, session, said):
    with opened(server, session) as tab:
        tab.send(said)
        tab.send('{"run": 0, "after": 0}')
        assert "run-status" in tab.recv(30)


def test_a_message_without_end_closes_the_socket_and_harms_nobody_else(server, session):
    with opened(server, session) as tab, opened(server, session) as other:
        with suppress(ConnectionClosed):
            tab.send("x" * 3 * 2**20)
        with pytest.raises(ConnectionClosed):
            tab.recv(30)
        other.send('{"run": 0, "after": 0}')
        assert "run-status" in other.recv(30)


def test_for_a_reader_that_reads_nothing_the_server_holds_one_message(server, session):
    """It says what it wants and then never reads; another tab gets the whole long log meanwhile."""
    with opened(server, session) as attentive, closing(silent_tab(server, session)) as silent:
        say(silent, '{"run": 1, "after": 0}')
        attentive.send('{"run": 1, "after": 0}')
        server.site.run(
            "from indexing import runlog; from datetime import datetime, UTC;"
            f"runlog.write(1, [runlog.Line(datetime.now(UTC), 'info', '', 'x' * {LINE})] * {LINES})"
        )
        until(lambda: last_line(attentive) == LINES, seconds=60)
        held = read_until_quiet(silent)
    assert 0 < held < LINES * LINE / 4


def last_line(tab: ClientConnection) -> int:
    shown = re.findall(r'data-seq="(\d+)"', tab.recv(30))
    tab.send('{"seen": true}')
    return int(shown[-1]) if shown else 0


def silent_tab(server: Server, session: httpx.Client) -> socket.socket:
    """A socket after the handshake of RFC 6455, with nobody behind it that reads."""
    silent = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        "GET /ws/index/ HTTP/1.1",
        f"Host: {NAME}",
        f"Origin: {ORIGIN}",
        f"Cookie: {session.headers['Cookie']}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    ]
    silent.sendall("\r\n".join([*lines, "", ""]).encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += silent.recv(1)
    assert b" 101 " in answer
    return silent


def say(silent: socket.socket, text: str) -> None:
    """A text frame, masked with zeros."""
    silent.sendall(struct.pack("!BB4x", 0x81, 0x80 | len(text)) + text.encode())


def read_until_quiet(silent: socket.socket) -> int:
    silent.settimeout(1.5)
    count = 0
    try:
        while piece := silent.recv(2**20):
            count += len(piece)
    except TimeoutError:
        pass
    return count


# --- Behind a proxy -----------------------------------------------------------------------------------------
def test_whoever_comes_without_tls_is_sent_to_tls(server):
    answer = httpx.get(f"{server.url}/admin/?x=1", headers={"Host": NAME}, timeout=30, verify=PLAIN)
    assert answer.status_code == 301
    assert answer.headers["Location"] == f"https://{NAME}/admin/?x=1"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_the_balancer_may_ask_without_tls(server, path):
    assert httpx.get(server.url + path, timeout=30, verify=PLAIN).status_code in (200, 503)


def test_a_host_that_is_not_ours_is_refused(server):
    answer = httpx.get(server.url + "/admin/login/", headers=TLS | {"Host": "evil.example"}, timeout=30, verify=PLAIN)
    assert answer.status_code == 400
    assert "evil.example" not in answer.text


def test_cookies_are_for_tls_only_and_the_browser_must_stay_there(server, session):
    answer = httpx.get(server.url + "/admin/login/", headers=TLS, timeout=30, verify=PLAIN)
    cookies = answer.headers.get_list("set-cookie")
    assert cookies
    assert all("Secure" in cookie and "SameSite=Lax" in cookie for cookie in cookies)
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    error = httpx.get(server.url + "/api/nothing", headers=TLS, timeout=30, verify=PLAIN)
    assert error.status_code == 404
    assert error.headers["Strict-Transport-Security"] == answer.headers["Strict-Transport-Security"]


def test_a_form_from_another_origin_is_refused(server, session):
    answer = session.post("/admin/logout/", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


def test_a_caller_cannot_write_itself_another_address_to_go_on_guessing(server):
    """Proxies append what they see to what the caller sent: only the last entry counts."""

    def guess(number: int, seen: str = "203.0.113.9", password: str = "guess") -> int:
        headers = TLS | {"X-Forwarded-For": f"198.51.100.{number}, {seen}"}
        body = {"username": "guessed", "password": password}
        return httpx.post(
            f"{server.url}/api/admin/auth", json=body, headers=headers, timeout=30, verify=PLAIN
        ).status_code

    assert [guess(number) for number in range(ATTEMPTS)] == [401] * ATTEMPTS
    # as after more failures: five seconds may be over before a busy machine gets there
    server.site.run(
        "from indexing.models import SignInCount; from django.db.models import F;"
        "SignInCount.objects.update(failures=F('failures') + 6)"
    )
    assert guess(99, password=cast.PASSWORD) == 429
    assert guess(99, seen="203.0.113.10", password=cast.PASSWORD) == 200  # somebody else's failures lock out nobody
    assert guess(99, seen="not an address", password="wrong") == 401
