"""One daphne process, as the supervisor sees it."""

from __future__ import annotations

import socket
import sys
import time
from contextlib import suppress

from django.conf import settings

from tcs_site.supervising import ProcessGroup

CONTROL = "TCS_CONTROL"
"""Environment variable: the descriptor of the process's end of the connection to the supervisor."""
WHEN_READY = "TCS_ACCEPT_WHEN_READY"
"""Environment variable: accept connections only once the index and the model are loaded."""
ACCEPTS, FINISH = b"a", b"f"
"""What the process says, and what the supervisor says."""


def server_command(*listening: str) -> list[str]:
    """Daphne without a line for each request. Behind a proxy, `tcs_site.proxying` finds the caller's address."""
    return [
        *(sys.executable, "-m", "daphne", "-v", "0", *listening, "--no-server-name"),
        "tcs_site.asgi:application",
    ]


class WebProcess:
    """A process that was started. It accepts connections at once, or `when_ready`: when it can answer searches."""

    def __init__(
        self, group: ProcessGroup, listening: socket.socket, *, when_ready: bool, **environment: str
    ) -> None:
        self._connection, its_end = socket.socketpair()
        self._connection.setblocking(False)
        if when_ready:
            environment[WHEN_READY] = "1"
        with its_end:
            self._process = group.start(
                server_command("--fd", str(listening.fileno())),
                settings.BASE_DIR,
                output=None,
                outlives_us=False,
                passed=(listening.fileno(), its_end.fileno()),
                OMP_NUM_THREADS="1",
                **environment | {CONTROL: str(its_end.fileno())},
            )
        self.began = time.monotonic()
        self._accepts = False

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def accepts(self) -> bool:
        """Whether it has ever accepted connections."""
        if not self._accepts:
            with suppress(OSError):  # nothing has been said yet
                self._accepts = self._connection.recv(1) == ACCEPTS
        return self._accepts

    @property
    def ending(self) -> str:
        """How it ended; waits until it has."""
        code = self._process.wait()
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def finish(self) -> None:
        """Tell it to answer what it has been asked, and then to end."""
        with suppress(OSError):
            self._connection.send(FINISH)

    def kill(self) -> None:
        self._process.kill()

    def forget(self) -> None:
        self._connection.close()
