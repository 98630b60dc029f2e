"""Redis is killed and started again under an open page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import httpx
import pytest
from django.test import Client
from websockets.sync.client import ClientConnection, connect

from indexing import runlog
from tests.faults import promises
from tests.faults.waiting import PATIENCE, Promptly
from tests.faults.web import Searching, Web
from tests.support import cast, services
from tests.support.server import PLAIN

SEQ = re.compile(r'data-seq="(\d+)"')
WITHIN = 2.0


@pytest.fixture
def redis() -> Iterator[services.Redis]:
    try:
        server = services.Redis()
    except services.ServiceUnavailable as error:
        pytest.skip(str(error))
    yield server
    server.remove()


class Tab:
    """An open page's socket: it answers as the page does and remembers every line."""

    def __init__(self, socket: ClientConnection, run: int, web: Web) -> None:
        self._socket = socket
        self._web = web
        self.lines: list[str] = []
        socket.send(json.dumps({"run": run, "after": 0}))

    def sees(self, text: str) -> None:
        with Promptly(f"{text!r} is shown", WITHIN, self._web.process.pid):
            while not any(text in message for message in self.lines):
                self.lines.append(str(self._socket.recv(timeout=PATIENCE)))
                self._socket.send(json.dumps({"seen": True}))


@pytest.fixture
def cookie(transactional_db) -> dict[str, str]:
    browser = Client()
    browser.force_login(cast.staff("indexing.view", username="wendy"))
    return {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"}


def open_page(web: Web, run: int, cookie: dict[str, str]) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{web.port}/ws/index/?run={run}", additional_headers=cookie, origin=web.url)


def test_the_log_goes_on_from_the_table_without_redis(first_version, serve, redis, settings, work, cookie):
    settings.REDIS_URL = redis.url
    settings.CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [redis.url]}}
    }
    run = promises.ask()
    with Searching(web := serve(REDIS_URL=redis.url)) as searching, open_page(web, run.pk, cookie) as socket:
        tab = Tab(socket, run.pk, web)
        runlog.append(run.pk, "with redis")
        tab.sees("with redis")
        redis.kill()
        for number in range(3):
            runlog.append(run.pk, f"without redis {number}")
            tab.sees(f"without redis {number}")
        assert web.get("/api/admin/ingest/status").status_code == 200
        page = httpx.get(web.url + "/admin/index/", headers=cookie, timeout=60, verify=PLAIN)
        assert (page.status_code, "without redis 2" in page.text) == (200, True)
        redis.start()
        for number in range(3):
            runlog.append(run.pk, f"with redis again {number}")
            tab.sees(f"with redis again {number}")
        redis.kill()
        worker = work(run.pk, REDIS_URL=redis.url, CHANNEL_LAYERS=settings.CHANNEL_LAYERS)
        assert worker.ended() == 0
        searching.wait_for(promises.ends(run))
        tab.sees(f'data-seq="{run.lines.count()}"')
        sequence = [int(number) for message in tab.lines for number in SEQ.findall(message)]
        assert sequence == list(range(1, run.lines.count() + 1))
        promises.hold_once_idle()
        promises.next_run_works()
    searching.none_failed()
