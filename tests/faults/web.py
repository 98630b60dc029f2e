"""Real daphne processes, and clients that search them over HTTP while something goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from django.conf import settings

from indexing.models import ApiToken, RebuildRun
from tcs_site.web_processes.process import server_command
from tests.faults.waiting import PATIENCE, SELDOM, until
from tests.support import cast, forked
from tests.support.server import PLAIN
from tests.support.services import free_port

QUERIES = ("sourdough bread", "coral reefs", "payroll and taxes", "bees", "bridges")


def token() -> str:
    """Of a member of staff who may do everything with the index."""
    rights = ("indexing.view", "indexing.rebuild", "indexing.cancel", "indexing.publish")
    return ApiToken.objects.issue(cast.staff(*rights, username="olga"))[1]


class Web:
    """One daphne process. Ready when it answers, and, if there is a live version, serves it.

    Forked as a rule, which is cheap. `executed`: as `serve` starts it, for tests whose fault concerns the process
    itself. `TCS_WORKER=external` unless said otherwise: it would start a worker for the map of each new version.
    """

    def __init__(
        self,
        bearer: str,
        *,
        address: str = "127.0.0.1",
        executed: bool = False,
        stack_kb: int = 0,
        **environment: str,
    ) -> None:
        self.port = free_port()
        self.address = address
        self.url = f"http://{address}:{self.port}"
        self.headers = {"Authorization": f"Bearer {bearer}"}
        self._log = tempfile.NamedTemporaryFile("r")  # noqa: SIM115  lives as long as the process
        environment = {"OMP_NUM_THREADS": "1", "TCS_WORKER": "external"} | environment
        if executed or stack_kb:
            self.process: forked.Forked | subprocess.Popen[bytes] = self._execute(stack_kb, environment)
        else:
            self.process = forked.web(self.port, os.environ | environment, self._log.name, address)
        try:
            until(self._is_ready, "the web process is ready", every=SELDOM)
        except AssertionError as error:
            error.add_note(self.output()[-3000:])
            self.remove()
            raise

    def _execute(self, stack_kb: int, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        limits = ["prlimit", f"--stack={stack_kb << 10}:"] if stack_kb else []
        # Whoever runs the tests in the background of a shell leaves them, and all they start, deaf to Ctrl-C.
        hearing = ["env", "--default-signal=INT"]
        with open(self._log.name, "ab") as log:
            return subprocess.Popen(
                [*hearing, *limits, *server_command("-b", self.address, "-p", str(self.port))],
                cwd=settings.BASE_DIR,
                env=os.environ | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def get(self, path: str, **parameters: Any) -> httpx.Response:
        return httpx.get(self.url + path, params=parameters, headers=self.headers, timeout=60, verify=PLAIN)

    def post(self, path: str, body: object = None) -> httpx.Response:
        return httpx.post(self.url + path, json=body, headers=self.headers, timeout=60, verify=PLAIN)

    def search(self, query: str = QUERIES[0], **parameters: Any) -> httpx.Response:
        return self.get("/api/search", q=query, **parameters)

    def version(self, mode: str = "hybrid") -> int | None:
        answer = self.search(mode=mode)
        return answer.json()["version"] if answer.status_code == 200 else None

    def serves(self, number: int | None) -> None:
        """Wait until it does."""
        until(lambda: self.version() == number, f"version {number} is served", every=SELDOM)

    def readiness(self) -> str:
        return str(self.get("/readyz").json()["status"])

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def output(self) -> str:
        self._log.seek(0)
        return self._log.read()

    def remove(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def _answers(self) -> bool:
        assert self.process.poll() is None, "it ended"
        try:
            return self.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def _is_ready(self) -> bool:
        return self._answers() and self.get("/readyz").status_code == 200


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    """of HTTP; 0 where there was no answer at all"""
    version: int | None
    at: float
    """when it was requested, by the monotonic clock"""
    seconds: float
    retry_after: str
    text: str


class Searching:
    """Clients that search from `with` to its end, `pause` seconds after each answer, or at once while a test waits.

    `all_different`: never the same query twice, so that each is encoded.
    """

    def __init__(
        self, *webs: Web, clients: int = 2, pause: float = 0.5, mode: str = "hybrid", all_different: bool = False
    ) -> None:
        self.webs = webs
        self.answers: list[Answer] = []
        self._all_different = all_different
        self._pause = pause
        self._mode = mode
        self._ended = False
        self._waited_for = 0
        """How many `more` are waiting: nobody pauses then."""
        self._news = threading.Condition()
        self._threads = [
            threading.Thread(target=self._search, args=(webs[number % len(webs)], number))
            for number in range(clients)
        ]

    def __enter__(self) -> Searching:
        for thread in self._threads:
            thread.start()
        self.more(len(self._threads))
        return self

    def __exit__(self, *_exception: object) -> None:
        with self._news:
            self._ended = True
            self._news.notify_all()
        for thread in self._threads:
            thread.join()

    def mark(self) -> float:
        """To ask only about what was asked after now."""
        return time.monotonic()

    def since(self, mark: float) -> list[Answer]:
        """To what was asked since then: what was under way at that moment may speak of the time before."""
        return [answer for answer in list(self.answers) if answer.at >= mark]

    def more(self, count: int = 4) -> None:
        """Wait for the answers to searches that begin now."""
        mark = self.mark()
        with self._news:
            self._waited_for += 1
            self._news.notify_all()
            enough = self._news.wait_for(lambda: len(self.since(mark)) >= count, PATIENCE)
            self._waited_for -= 1
        assert enough, f"the searches do not go on: {self.summary(mark)}"

    @contextmanager
    def answered_from(self, *versions: int) -> Iterator[None]:
        """All searches that begin in the body, and some that begin at its end, are answered from these versions."""
        mark = self.mark()
        yield
        self.more()
        self.none_failed(mark)
        assert self.versions(mark) <= set(versions)

    def wait_for(self, run: RebuildRun) -> None:
        """Until the version that `run` made answers in every process."""
        assert run.version_id is not None
        self.wait_for_version(run.version_id)

    def wait_for_version(self, number: int) -> None:
        for web in self.webs:
            web.serves(number)

    def none_failed(self, since: float = 0) -> None:
        answers = self.since(since)
        assert answers
        assert {answer.status for answer in answers} == {200}, self.summary(since)
        assert all(answer.version for answer in answers)

    def summary(self, since: float = 0) -> str:
        answers = self.since(since)
        bad = Counter((answer.status, answer.text[:300]) for answer in answers if answer.status != 200)
        return f"of {len(answers)} searches: {bad.most_common(3)}"

    def versions(self, since: float = 0) -> set[int | None]:
        return {answer.version for answer in self.since(since)}

    def _search(self, web: Web, number: int) -> None:
        turn = number
        with httpx.Client(headers=web.headers, timeout=60, verify=PLAIN) as client:
            while not self._ended:
                turn += 1
                query = QUERIES[turn % len(QUERIES)]
                answer = self._ask(client, web, f"{query} {number} {turn}" if self._all_different else query)
                with self._news:
                    self.answers.append(answer)
                    self._news.notify_all()
                    self._news.wait_for(lambda: self._ended or self._waited_for, self._pause)

    def _ask(self, client: httpx.Client, web: Web, query: str) -> Answer:
        began = time.monotonic()
        try:
            got = client.get(f"{web.url}/api/search", params={"q": query, "mode": self._mode})
        except httpx.TransportError as error:
            return Answer(0, None, began, time.monotonic() - began, "", repr(error))
        version = got.json()["version"] if got.status_code == 200 else None
        return Answer(
            got.status_code, version, began, time.monotonic() - began, got.headers.get("Retry-After", ""), got.text
        )
