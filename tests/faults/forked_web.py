"""A web process forked from one that has everything imported already: daphne as `serve` runs it, for a quarter of the
processor's time that its start takes otherwise.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys

import django
from django.apps import apps

if not apps.ready:  # in the process that all are forked from
    django.setup()

from django.conf import settings  # noqa: E402
from django.db import connections  # noqa: E402
from django.urls import get_resolver  # noqa: E402

from tcs_site.web_processes.process import server_command  # noqa: E402

_ = get_resolver().url_patterns  # every page's module

_context = multiprocessing.get_context("forkserver")


class Forked:
    """Like `subprocess.Popen`, as far as the tests ask it. In a session of its own; its output goes to `log`."""

    def __init__(self, port: int, environment: dict[str, str], log: str) -> None:
        self._process = _context.Process(target=main, args=(port, environment, log), daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> None:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("daphne", timeout or 0.0)

    def send_signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()


def main(port: int, environment: dict[str, str], log: str) -> None:
    os.setsid()
    with open(log, "ab", buffering=0) as output:
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(output.fileno(), sys.stderr.fileno())
    os.environ.update(environment)
    read_settings_again()
    command = server_command("-b", "127.0.0.1", "-p", str(port))
    from daphne.cli import CommandLineInterface  # noqa: PLC0415  its reactor must not be shared by those forked

    CommandLineInterface().run(command[command.index("daphne") + 1 :])


def read_settings_again() -> None:
    """They were read in the environment of the process that this one is forked from."""
    for name in ("tcs_site.settings", "tcs_site.index_settings"):
        del sys.modules[name]
    module = importlib.import_module(os.environ["DJANGO_SETTINGS_MODULE"])
    for name in filter(str.isupper, dir(module)):
        setattr(settings, name, getattr(module, name))
    connections._settings = None  # as they are before the first connection
    connections.__dict__.pop("settings", None)
