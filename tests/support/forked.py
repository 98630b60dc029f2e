"""Processes forked from one that has everything imported already: `manage.py ...`, and daphne as `serve` runs it.

They need a quarter of the processor's time that a start takes otherwise. So do the workers that they start.
"""

from __future__ import annotations

import atexit
import ctypes
import hashlib
import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import forkserver
from pathlib import Path

import django
import psutil
from django.apps import apps

if not apps.ready:  # in the process that all are forked from
    django.setup()

from django.conf import settings  # noqa: E402
from django.db import connections  # noqa: E402
from django.test.signals import setting_changed  # noqa: E402

import manage as command_line  # noqa: E402
from indexing.runs import launch  # noqa: E402
from tcs_site import terminal  # noqa: E402
from tcs_site.web_processes.process import server_command  # noqa: E402

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.support.preloaded", "tests.faults.faulty_worker"])
STREAMS = ("stdin", "stdout", "stderr")
COMMAND_SECONDS = 300
END_SECONDS = 30
PR_SET_NAME = 15


class Forked:
    """Like `subprocess.Popen`, as far as the tests ask it. In a session of its own."""

    def __init__(self, main: Callable[..., None], *arguments: object, outlives_us: bool = False) -> None:
        self._process = _context.Process(target=main, args=arguments, daemon=not outlives_us)
        self._process.start()
        if outlives_us:
            multiprocessing.process._children.discard(self._process)  # those are waited for at the end
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Returns the exit code, or minus the signal. Raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("a forked process", timeout or 0.0)
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> None:
        """Ask it to end, and kill it if it has not within thirty seconds."""
        self._process.terminate()
        self._process.join(END_SECONDS)
        self._process.kill()
        self._process.join()


@dataclass(frozen=True, slots=True)
class Ended:
    returncode: int
    stdout: str
    stderr: str


def manage(arguments: Sequence[str], environment: Mapping[str, str], stdin: str = "") -> Ended:
    """Run `manage.py ...` to its end. Raises subprocess.TimeoutExpired after five minutes."""
    with tempfile.TemporaryDirectory(prefix="tcs-command-") as name:
        folder = Path(name)
        (folder / "stdin").write_text(stdin)
        process = Forked(_manage, tuple(arguments), dict(environment), name)
        try:
            code = process.wait(COMMAND_SECONDS)
        finally:
            process.kill()
        return Ended(code, *((folder / each).read_text() for each in STREAMS[1:]))


def start(arguments: Sequence[str], environment: Mapping[str, str], output: str = os.devnull) -> Forked:
    """Start `manage.py ...` in the background. What it prints is added to the file `output`."""
    return Forked(_run, tuple(arguments), dict(environment), os.devnull, output, output)


def _manage(arguments: Sequence[str], environment: dict[str, str], folder: str) -> None:
    _run(arguments, environment, *(f"{folder}/{name}" for name in STREAMS))


def _run(arguments: Sequence[str], environment: dict[str, str], stdin: str, stdout: str, stderr: str) -> None:
    _become(environment, stdin, stdout, stderr)
    launch.Popen = partial(_start_worker, os.devnull)  # its own output is read and deleted as soon as it ends
    sys.argv = ["manage.py", *arguments]
    terminal.never_fail()
    try:
        command_line.main()
    finally:
        atexit._run_exitfuncs()  # multiprocessing leaves them out


def web(port: int, environment: Mapping[str, str], log: str, address: str = "127.0.0.1") -> Forked:
    """A web process that listens on this port; its output goes to `log`."""
    return Forked(_serve, address, port, dict(environment), log)


def _serve(address: str, port: int, environment: dict[str, str], log: str) -> None:
    _become(environment, os.devnull, log, log)
    launch.Popen = partial(_start_worker, log)
    command = server_command("-b", address, "-p", str(port))
    from daphne.cli import CommandLineInterface  # noqa: PLC0415  its reactor must not be shared by those forked

    CommandLineInterface().run(command[command.index("daphne") + 1 :])


def end_workers(data_folder: str | Path) -> None:
    """End the workers, forked ones, that processes with this data folder have started: they outlive them."""
    left = [process for process in psutil.process_iter() if is_worker(process, data_folder)]
    for process in left:
        process.kill()
    psutil.wait_procs(left, END_SECONDS)


def is_worker(process: psutil.Process, data_folder: str | Path) -> bool:
    """Whether it is a forked worker; its command line and environment are those of the process it is forked from."""
    try:
        return process.name() == _name_of_workers(data_folder)
    except psutil.Error:
        return False


def _name_of_workers(data_folder: str | Path) -> str:
    return f"tcs-{hashlib.sha256(str(data_folder).encode()).hexdigest()[:10]}"


def _start_worker(output: str, command: Sequence[str], *, env: Mapping[str, str], **_as_all_here: object) -> Forked:
    return Forked(_work, tuple(command[2:]), dict(env), output, outlives_us=True)


def _work(arguments: Sequence[str], environment: dict[str, str], output: str) -> None:
    ctypes.CDLL(None).prctl(PR_SET_NAME, _name_of_workers(environment["TCS_DATA_DIR"]).encode(), 0, 0, 0)
    _run(arguments, environment, os.devnull, output, output)


def _become(environment: dict[str, str], stdin: str, stdout: str, stderr: str) -> None:
    """Be a process that was started in this environment, and read and write these files."""
    os.setsid()
    for descriptor, name in enumerate((stdin, stdout, stderr)):
        opened = os.open(name, os.O_RDONLY if descriptor == 0 else os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115  multiprocessing has put another one there
    atexit._clear()
    os.environ.clear()
    os.environ.update(environment)
    multiprocessing.current_process()._config["daemon"] = False  # such may not start workers
    forkserver._forkserver.ensure_running = lambda: None  # it runs: this process is forked from it
    _read_settings_again()


def _read_settings_again() -> None:
    """They were read in the environment of the process that this one is forked from."""
    for name in ("tcs_site.settings", "tcs_site.index_settings"):
        del sys.modules[name]
    module = importlib.import_module(os.environ["DJANGO_SETTINGS_MODULE"])
    for name in filter(str.isupper, dir(module)):
        value = getattr(module, name)
        if value != getattr(settings, name, None):
            setattr(settings, name, value)
            if name != "DATABASES":  # of which Django warns
                setting_changed.send(sender=type(settings), setting=name, value=value, enter=True)
    for each in connections.all(initialized_only=True):  # not opened: the settings of each were wanted
        del connections[each.alias]
    connections._settings = None  # as they are before the first connection
    connections.__dict__.pop("settings", None)
