"""Several web processes behind one port, as `manage.py serve` runs them."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import NoReturn

import httpx
import psutil
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tcs_site.supervising import can_listen
from tests.support.server import PLAIN, Server, Site, said_until
from tests.support.services import free_port
from tests.support.waiting import until

PREPARE = """
from django.test import Client
from indexing.models import ApiToken
from tests.support import cast
cast.experts(8)
cast.rebuild()
olga = cast.staff(username="olga", superuser=True)
client = Client()
client.force_login(olga)
print(ApiToken.objects.issue(olga)[1], client.session.session_key)
"""
PATIENCE = 180.0


class Served(Server):
    """`serve` with two web processes; `process` is the supervisor. The tests are in the order of its life."""

    token = session = ""

    def listen(self) -> None:
        """Read what it says, in `said`."""
        self.said: list[str] = []
        self._reader = threading.Thread(target=lambda: self.said.extend(self.process.stdout), daemon=True)  # type: ignore[arg-type]
        self._reader.start()

    def said_all(self) -> str:
        """What it has said until its end."""
        self._reader.join(60)
        return "".join(self.said)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def pids(self) -> set[int]:
        return {child.pid for child in psutil.Process(self.process.pid).children()}

    def api(self) -> httpx.Client:
        """A client with connections of its own."""
        return httpx.Client(base_url=self.url, headers=self.headers, timeout=60, verify=PLAIN)

    def versions(self) -> list[int | None]:
        """What each process serves, as the console lists them."""
        with closing(sqlite3.connect(self.site.folder / "db.sqlite3")) as database:
            return [row[0] for row in database.execute("SELECT version_number FROM indexing_servingprocess")]

    def wait_for_versions(self, *wanted: int) -> None:
        until(lambda: self.versions() == list(wanted), seconds=PATIENCE)

    @contextmanager
    def one_client_of_each(self) -> Iterator[list[httpx.Client]]:
        """Clients whose connections, kept open, belong to different processes."""
        with ExitStack() as stack:
            found: dict[int, httpx.Client] = {}
            for _ in range(200):
                client = stack.enter_context(self.api())
                client.get("/healthz").raise_for_status()
                found.setdefault(self._process_of(client), client)
                if len(found) == len(self.pids()):
                    yield list(found.values())
                    return
            raise AssertionError(f"All connections went to {set(found)}.")

    def _process_of(self, client: httpx.Client) -> int:
        (connection,) = client._transport._pool.connections  # type: ignore[attr-defined]
        port = connection._connection._network_stream.get_extra_info("client_addr")[1]
        return next(pid for pid in self.pids() if port in ports_of(pid))


def ports_of(pid: int) -> set[int]:
    return {each.raddr.port for each in psutil.Process(pid).net_connections("tcp") if each.raddr}


@pytest.fixture(scope="module")
def served(tmp_path_factory, migrated) -> Iterator[Served]:
    environment = {
        "TCS_WEB_PROCESSES": "2",
        "TCS_ENCODER": "tests.support.fakes.HashEncoder",
        "TCS_METRICS_TOKEN": "counted",
        "TCS_PREPARE_STATIC": "1",
    }
    site = Site.like(migrated, tmp_path_factory.mktemp("several"), environment)
    token, session = site.run(PREPARE).split()[-2:]
    port = free_port()
    with hangups_heard():
        process = site.start("serve", "--port", str(port))
    server = Served(site, port, process)  # type: ignore[arg-type]  its output is text
    server.token, server.session = token, session
    try:
        said_until(process, "TCS is at")
        server.listen()
        server.wait_for_versions(1, 1)
        yield server
    finally:
        process.kill()
        process.wait(60)
    said = server.said_all()
    assert "locked" not in said
    assert "Traceback" not in said


@contextmanager
def hangups_heard() -> Iterator[None]:
    """Processes that are started meanwhile hear SIGHUP, also where these tests run under nohup.

    Not by `preexec_fn`: with it a process is forked by hand, and gRPC, where it is loaded, can end the fork.
    """
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def test_both_processes_answer_and_count_together(served):
    with served.one_client_of_each() as clients:
        for client in clients:
            assert client.get("/api/search", params={"q": "sourdough bread"}).json()["version"] == 1
        pages = [client.get("/metrics", headers={"Authorization": "Bearer counted"}).text for client in clients]
    assert [re.search(r"tcs_searches_total{.*} (\S+)", page)[1] for page in pages] == ["2.0", "2.0"]  # type: ignore[index]


def test_the_first_view_of_the_search_page_is_small_and_the_second_needs_the_page_alone(served):
    """Measured as a browser loads it: everything that the page refers to, compressed."""
    with httpx.Client(base_url=served.url, headers={"Accept-Encoding": "br, gzip"}, verify=PLAIN) as browser:
        browser.cookies.set("sessionid", served.session)
        answers = [received(browser, "/?q=sourdough+bread")]
        page = answers[0][1]
        for address in re.findall(r'<(?:link|script)[^>]* (?:src|href)="(/static/[^"]+)"', page.text):
            answers.append(received(browser, address))
    assert page.headers["Content-Encoding"] == "gzip"
    files = [answer for _bytes, answer in answers[1:]]
    assert all("immutable" in answer.headers["Cache-Control"] for answer in files)
    assert all(
        answer.headers.get("Content-Encoding") == "br" for answer in files if answer.num_bytes_downloaded > 400
    )
    assert len(answers) <= 6
    assert sum(size for size, _answer in answers) <= 60_000


def received(browser: httpx.Client, address: str) -> tuple[int, httpx.Response]:
    """Bytes, headers included, and the answer."""
    answer = browser.get(address).raise_for_status()
    return answer.num_bytes_downloaded + sum(len(name) + len(value) + 4 for name, value in answer.headers.raw), answer


def test_swagger_is_compressed(served):
    with httpx.Client(base_url=served.url, headers={"Accept-Encoding": "br, gzip"}, verify=PLAIN) as browser:
        browser.cookies.set("sessionid", served.session)
        (script,) = re.findall(r'src="(/static/ninja/[^"]+)"', browser.get("/api/docs").text)
        assert received(browser, script)[0] < 500_000


def test_lines_of_a_run_and_its_version_reach_the_pages_of_every_process(served):
    with served.one_client_of_each() as clients, ExitStack() as stack:
        tabs = []
        until_both = served.pids()
        while until_both:
            tab = stack.enter_context(
                connect(
                    f"ws://127.0.0.1:{served.port}/ws/index/",
                    additional_headers={"Cookie": f"sessionid={served.session}"},
                    origin=served.url,  # type: ignore[arg-type]
                    max_size=None,
                )
            )
            port = tab.local_address[1]
            until_both -= {pid for pid in until_both if port in ports_of(pid)}
            tab.send('{"run": 0, "after": 0}')
            tabs.append(tab)
        for client in clients[:1]:
            client.post("/api/admin/ingest/run", json={"reembed": True}).raise_for_status()
        for tab in tabs:
            said = ""
            while "version 2 is live" not in said:
                said += str(tab.recv(60))
                tab.send('{"seen": true}')
        served.wait_for_versions(2, 2)
        for client in clients:
            assert client.get("/api/search", params={"q": "bees"}).json()["version"] == 2


def test_a_process_that_is_killed_is_started_again_and_the_other_goes_on(served):
    before = served.pids()
    with served.one_client_of_each() as clients:
        victim = served._process_of(clients[0])
        psutil.Process(victim).kill()
        for _ in range(20):
            assert served.get("/healthz").status_code == 200
        assert clients[1].get("/api/search", params={"q": "bees"}).status_code == 200
    until(lambda: len(served.pids()) == 2 and victim not in served.pids(), seconds=PATIENCE)
    until(lambda: "(signal 9). Starting it again in 1 s" in "".join(served.said))
    assert len(before & served.pids()) == 1
    with served.one_client_of_each() as clients:  # it accepts connections only once it can search
        for client in clients:
            assert client.get("/api/search", params={"q": "bees"}).status_code == 200


def test_a_restart_one_by_one_refuses_no_request(served):
    before, ended, answers = served.pids(), threading.Event(), Counter[object]()
    versions = served.versions()

    def search(keeps: bool) -> None:
        with served.api() as kept:
            while not ended.is_set():
                try:
                    if keeps:
                        answer = kept.get("/api/search", params={"q": "bees"})
                    else:
                        with served.api() as new:
                            answer = new.get("/api/search", params={"q": "bees"})
                    answers[answer.status_code] += 1
                except httpx.HTTPError as error:
                    answers[repr(error)] += 1
                ended.wait(0.1)

    threads = [threading.Thread(target=search, args=(number < 2,)) for number in range(4)]
    with connect(
        f"ws://127.0.0.1:{served.port}/ws/index/",
        additional_headers={"Cookie": f"sessionid={served.session}"},
        origin=served.url,  # type: ignore[arg-type]
    ) as tab:
        for thread in threads:
            thread.start()
        try:
            served.process.send_signal(signal.SIGHUP)
            until(lambda: len(served.pids()) == 2 and not before & served.pids(), seconds=PATIENCE)
        finally:
            ended.set()
            for thread in threads:
                thread.join()
        with pytest.raises(ConnectionClosed) as closed:
            read_on(tab)
        assert closed.value.rcvd is None  # 1006 to the page, which connects again
    assert set(answers) == {200}
    served.wait_for_versions(*versions)


def test_killing_the_supervisor_ends_them_all_and_frees_the_port(served):
    processes = [psutil.Process(pid) for pid in served.pids()]
    served.process.kill()
    served.process.wait(60)
    _gone, alive = psutil.wait_procs(processes, timeout=20)
    assert not alive
    assert can_listen("127.0.0.1", served.port) is None


def read_on(tab: ClientConnection) -> NoReturn:
    while True:
        tab.recv(30)


HANGUP = """
import os, time
from tcs_site.supervising import Stopped, on_hangup, raise_on_signals

try:
    raise_on_signals()
    on_hangup(lambda: print("again", flush=True))
    print("ready", flush=True)
    time.sleep(60)
except Stopped as stopped:
    print(stopped.signal.name, flush=True)
"""


def test_a_terminal_that_is_closed_ends_it_and_any_other_hangup_does_not():
    terminal, its_end = os.openpty()
    command = ["setsid", "--ctty", sys.executable, "-c", HANGUP]
    with hangups_heard():
        process = subprocess.Popen(command, stdin=its_end, stdout=subprocess.PIPE, text=True)
    os.close(its_end)
    try:
        said_until(process, "ready")
        process.send_signal(signal.SIGHUP)
        said_until(process, "again")
        os.close(terminal)
        assert process.communicate(timeout=30)[0].split() == ["SIGHUP"]
    finally:
        process.kill()
