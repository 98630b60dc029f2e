"""Nobody keeps others out by holding connections, and none of them lasts without a request."""

from __future__ import annotations

import os
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass

import httpx
import pytest
from websockets.sync.client import connect

from tcs_site.http_server import connections
from tcs_site.http_server.connections import Connections
from tests.support import strangers
from tests.support.server import PLAIN, Server, Site, serving
from tests.support.strangers import connected, head, is_closed, status
from tests.support.waiting import until

MOST, MOST_OF_ONE = 40, 15
PART = b"GET /healthz HTTP/1.1\r\nHost: local"
"""a head without its end"""
BUSY = head("POST", "/api/admin/auth", "Content-Length: 60000", "Expect: 100-continue")
"""A head whose body never comes: such a connection makes room for nobody. The server says that it waits for it."""
SIGN_IN = """
from django.conf import settings
from django.test import Client
from tests.support import cast
client = Client()
client.force_login(cast.staff("indexing.view", username="vi"))
print(client.cookies[settings.SESSION_COOKIE_NAME].value)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory, migrated) -> Site:
    limits = {"TCS_MAX_CONNECTIONS": str(MOST), "TCS_MAX_CONNECTIONS_PER_ADDRESS": str(MOST_OF_ONE)}
    return Site.like(migrated, tmp_path_factory.mktemp("connections"), {"TCS_WORKER": "external"} | limits)


@pytest.fixture(scope="module")
def server(site: Site) -> Iterator[Server]:
    with serving(site) as server:
        yield server


@pytest.fixture(scope="module")
def impatient(site: Site) -> Iterator[Server]:
    with serving(site, module="tests.support.impatient_server") as server:
        yield server


def held(stack: ExitStack, server: Server, count: int, said: bytes, address: str) -> list[socket.socket]:
    """Connections on which this has been said and nothing more."""
    found = []
    for _ in range(count):
        one = stack.enter_context(connected(server.port, address))
        one.sendall(said)
        found.append(one)
    return found


def busy(stack: ExitStack, server: Server, count: int, address: str) -> None:
    """As many connections that are in the middle of a request, whatever was closed just before."""
    for _ in range(count):
        until(lambda: status(held(stack, server, 1, BUSY, address)[0]) == 100)


def answers(server: Server, address: str) -> bool:
    with connected(server.port, address) as one:
        try:
            one.sendall(head("GET", "/healthz"))
        except ConnectionError:
            return False
        return status(one) == 200


def still_open(many: list[socket.socket]) -> int:
    return sum(not is_closed(one) for one in many)


# --- Numbers ------------------------------------------------------------------------------------------------
def test_incomplete_requests_of_one_address_keep_nobody_out_not_even_from_there(server):
    with ExitStack() as stack:
        many = held(stack, server, 2 * MOST, PART, "127.0.0.2")
        until(lambda: still_open(many) <= MOST_OF_ONE)
        assert is_closed(many[0])  # the oldest made room
        assert answers(server, "127.0.0.2")
        assert answers(server, "127.0.0.3")


def test_incomplete_requests_of_many_addresses_keep_nobody_out(server):
    with ExitStack() as stack:
        many = [one for number in range(2, 12) for one in held(stack, server, 10, PART, f"127.0.0.{number}")]
        until(lambda: still_open(many) <= MOST)
        assert answers(server, "127.0.0.99")


def test_one_address_gets_no_more_than_its_share(server):
    with ExitStack() as stack:
        busy(stack, server, MOST_OF_ONE, "127.0.0.2")
        assert not answers(server, "127.0.0.2")
        assert answers(server, "127.0.0.3")
    until(lambda: answers(server, "127.0.0.2"))


def test_a_proxy_on_this_machine_is_not_one_address(server):
    with ExitStack() as stack:
        busy(stack, server, 2 * MOST_OF_ONE, "127.0.0.1")
        assert answers(server, "127.0.0.1")


def test_all_together_get_no_more_than_there_are_and_the_log_says_so(server):
    with ExitStack() as stack:
        for number in range(2, 6):
            busy(stack, server, MOST // 4, f"127.0.0.{number}")
        assert not answers(server, "127.0.0.99")
    until(lambda: answers(server, "127.0.0.99"))
    assert server.log().count("New connections are refused") == 1


def test_idle_connections_of_browsers_make_room(server):
    with ExitStack() as stack:
        first = stack.enter_context(httpx.Client(base_url=server.url, verify=PLAIN, timeout=30))
        assert first.get("/healthz").status_code == 200
        busy(stack, server, MOST - 1, "127.0.0.1")
        assert answers(server, "127.0.0.9")
        until(lambda: first.get("/healthz").status_code == 200)  # on a new connection


def test_a_browser_uses_one_connection_for_many_requests(server):
    with connected(server.port) as one:
        for _ in range(3):
            one.sendall(head("GET", "/healthz"))
            assert status(one) == 200


# --- Descriptors --------------------------------------------------------------------------------------------
def test_connections_leave_descriptors_for_the_database_and_files(site):
    limit = 256
    with serving(Site(site.folder, site.environment | {"TCS_MAX_CONNECTIONS": "5000"}), descriptors=limit) as server:
        with ExitStack() as stack:
            taken = [one for one in held_if_possible(stack, server, 2 * limit) if status(one) == 100]
            assert 10 < len(taken) <= limit // 4
            taken[0].sendall(b'{"username": "nobody", "password": "guess"}'.ljust(60_000))
            assert status(taken[0]) == 401  # for which the database was opened
        until(lambda: answers(server, "127.0.0.1"))
        assert "Too many open files" not in server.log()
        assert "unable to open" not in server.log()


def held_if_possible(stack: ExitStack, server: Server, count: int) -> list[socket.socket]:
    many = []
    for _ in range(count):
        many.append(stack.enter_context(connected(server.port)))
        with suppress(ConnectionError):
            many[-1].sendall(BUSY)
    return many


# --- Time ---------------------------------------------------------------------------------------------------
def test_a_head_must_be_complete_in_time_although_bytes_arrive(impatient):
    with connected(impatient.port) as one:
        one.sendall(PART)
        until(lambda: ends_trickling(one), seconds=strangers.PATIENCE)


def test_a_later_head_must_be_complete_in_time_too(impatient):
    with connected(impatient.port) as one:
        one.sendall(head("GET", "/healthz"))
        assert status(one) == 200
        one.sendall(PART)
        until(lambda: ends_trickling(one), seconds=strangers.PATIENCE)


def ends_trickling(one: socket.socket) -> bool:
    one.settimeout(0.1)
    try:
        one.sendall(b"x")
        return one.recv(1000) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_a_body_that_trickles_ends(impatient):
    with connected(impatient.port) as one:
        one.sendall(head("POST", "/api/admin/auth", "Content-Length: 50"))
        answer = b""
        one.settimeout(0.1)
        for _ in range(49):
            try:
                one.sendall(b"x")
                answer = one.recv(1000)
                break
            except TimeoutError:
                continue
    assert b" 408 " in answer


@pytest.mark.parametrize("said", [b"", head("GET", "/healthz")])
def test_a_connection_without_a_request_ends(impatient, said):
    with connected(impatient.port) as one:
        one.sendall(said)
        strangers.everything(one)


def test_who_never_reads_a_response_is_cut_off(impatient):
    """Else whoever asks for much and reads nothing would hold the connection and the response for ever."""
    many = head("GET", "/static/admin/js/vendor/jquery/jquery.js") * 50
    with closing(socket.socket()) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.settimeout(strangers.PATIENCE)
        one.connect(("127.0.0.1", impatient.port))
        one.sendall(many)
        time.sleep(1)
        until(lambda: not impatient.holds(one.getsockname()[1]), seconds=strangers.PATIENCE)


def test_the_live_page_stays_connected(impatient, site):
    cookie = f"sessionid={site.run(SIGN_IN).strip()}"
    wire = socket.create_connection(("127.0.0.1", impatient.port), timeout=30)
    url = f"ws://localhost:{impatient.port}/ws/index/"
    with connect(
        url, sock=wire, origin=f"http://localhost:{impatient.port}", additional_headers={"Cookie": cookie}
    ) as tab:
        time.sleep(4)  # longer than a head, a body and an idle connection may last there
        tab.send('{"run": 0, "after": 0}')
        assert "run-status" in tab.recv(30)


# --- Counting -----------------------------------------------------------------------------------------------
@dataclass(eq=False)
class Held:
    address: str
    waits_since: float | None = None
    open: bool = True

    def is_open(self) -> bool:
        return self.open

    def end(self) -> None:
        self.open = False


def test_behind_a_proxy_the_connections_of_one_address_are_not_counted():
    for behind_proxy in (False, True):
        counted = Connections(100, 2, behind_proxy=behind_proxy)
        for _ in range(2):
            counted.add(Held("203.0.113.5"))
        assert counted.have_room_for("203.0.113.5") == behind_proxy
        assert counted.have_room_for("203.0.113.6")


def test_the_connection_that_waits_longest_makes_room():
    counted = Connections(3, 3, behind_proxy=False)
    busy, longer, shorter = Held("a"), Held("b", 1.0), Held("c", 2.0)
    for one in (busy, longer, shorter):
        counted.add(one)
    assert counted.have_room_for("d")
    assert (busy.open, longer.open, shorter.open) == (True, False, True)


def test_only_a_few_make_room_at_one_moment():
    class Slow(Held):
        def end(self) -> None:
            """Its descriptor is free only later."""

    counted = Connections(10, 10, behind_proxy=True)
    for _ in range(10):
        counted.add(Slow("a", 1.0))
    room = 0
    while counted.have_room_for("b"):
        counted.add(Slow("b", 2.0))
        room += 1
    assert room == connections.LEAVING


def test_without_descriptors_nobody_gets_in_until_one_has_made_room():
    counted = Connections(10, 10, behind_proxy=True)
    idle = Held("a", 1.0)
    counted.add(idle)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with open(os.devnull) as lowest_free:
        resource.setrlimit(resource.RLIMIT_NOFILE, (2 * lowest_free.fileno(), hard))
        try:
            assert not counted.have_room_for("b")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert not idle.open
    assert counted.have_room_for("b")
