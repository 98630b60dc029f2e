"""Real daphne processes, and clients that search them over HTTP while something goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import httpx
from django.conf import settings

from indexing.models import ApiToken
from tcs_site.management.commands.serve import server_command
from tests import cast
from tests.faults.waiting import until
from tests.server import PLAIN
from tests.services import free_port

QUERIES = ("sourdough bread", "coral reefs", "payroll and taxes", "bees", "bridges")


def token() -> str:
    """Of a member of staff who may do everything with the index."""
    rights = ("indexing.view", "indexing.rebuild", "indexing.cancel", "indexing.publish")
    return ApiToken.objects.issue(cast.staff(*rights, username="olga"))[1]


class Web:
    """One daphne process. Ready when it answers, and, if there is a live version, serves it."""

    def __init__(self, bearer: str, *, ready: bool = True, stack_kb: int = 0, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.headers = {"Authorization": f"Bearer {bearer}"}
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115  lives as long as the process
        limits = ["prlimit", f"--stack={stack_kb << 10}:"] if stack_kb else []
        # Whoever runs the tests in the background of a shell leaves them, and all they start, deaf to Ctrl-C.
        hearing = ["env", "--default-signal=INT"]
        self.process = subprocess.Popen(
            [*hearing, *limits, *server_command("127.0.0.1", self.port)],
            cwd=settings.BASE_DIR, env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, start_new_session=True,
        )  # fmt: skip
        try:
            until(self._is_ready if ready else self._answers, "the web process is ready")
        except AssertionError as error:
            error.add_note(self.output()[-3000:])
            self.remove()
            raise

    def get(self, path: str, **parameters: Any) -> httpx.Response:
        return httpx.get(self.url + path, params=parameters, headers=self.headers, timeout=60, verify=PLAIN)

    def post(self, path: str, body: object = None) -> httpx.Response:
        return httpx.post(self.url + path, json=body, headers=self.headers, timeout=60, verify=PLAIN)

    def search(self, query: str = QUERIES[0], **parameters: Any) -> httpx.Response:
        return self.get("/api/search", q=query, **parameters)

    def version(self, mode: str = "hybrid") -> int | None:
        answer = self.search(mode=mode)
        return answer.json()["version"] if answer.status_code == 200 else None

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
    seconds: float
    retry_after: str
    text: str


class Searching:
    """Clients that search, `pause` seconds after each answer, from `with` to its end.

    `anew`: never the same query twice, so that each is encoded.
    """

    def __init__(
        self, *webs: Web, clients: int = 2, pause: float = 0.05, mode: str = "hybrid", anew: bool = False
    ) -> None:
        self.answers: list[Answer] = []
        self._anew = anew
        self._pause = pause
        self._mode = mode
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._search, args=(webs[number % len(webs)], number))
            for number in range(clients)
        ]

    def __enter__(self) -> Searching:
        for thread in self._threads:
            thread.start()
        until(lambda: len(self.answers) >= len(self._threads), "the clients search")
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def mark(self) -> int:
        """To ask `none_failed` only about what came after now."""
        return len(self.answers)

    def more(self, count: int = 4) -> None:
        """Wait for more answers."""
        enough = len(self.answers) + count
        until(lambda: len(self.answers) >= enough, "the searches go on")

    def none_failed(self, since: int = 0) -> None:
        answers = self.answers[since:]
        assert answers
        assert {answer.status for answer in answers} == {200}, self.summary(since)
        assert all(answer.version for answer in answers)

    def summary(self, since: int = 0) -> str:
        answers = self.answers[since:]
        bad = Counter((answer.status, answer.text[:300]) for answer in answers if answer.status != 200)
        return f"of {len(answers)} searches: {bad.most_common(3)}"

    def versions(self, since: int = 0) -> set[int | None]:
        return {answer.version for answer in self.answers[since:]}

    def _search(self, web: Web, number: int) -> None:
        turn = number
        with httpx.Client(headers=web.headers, timeout=60, verify=PLAIN) as client:
            while not self._ended.wait(self._pause):
                turn += 1
                query = QUERIES[turn % len(QUERIES)]
                self.answers.append(self._ask(client, web, f"{query} {number} {turn}" if self._anew else query))

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
