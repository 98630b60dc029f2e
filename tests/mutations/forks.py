"""Work in a fork of this process, with the data folder and the database as they were at the start."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
from django.conf import settings
from django.db import connection, connections
from psycopg import sql

PASSED = ""
PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """What a test starts and leaves running becomes this process's own, so that `in_a_fork` can end it."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def in_a_fork(work: Callable[[], int]) -> str:
    """Do the work in a fork: PASSED if it returns 0, else how it ended. Ends all processes that it started."""
    connections.close_all()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        _be_the_fork(work)
    _pid, status = os.waitpid(child, 0)
    for left in psutil.Process().children(recursive=True):
        left.kill()
        left.wait(10)
    if os.WIFSIGNALED(status):
        return "took too long" if os.WTERMSIG(status) == signal.SIGALRM else f"signal {os.WTERMSIG(status)}"
    return PASSED if status == 0 else "noticed"


def _be_the_fork(work: Callable[[], int]) -> None:
    code = 1
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        code = work()
    finally:
        os._exit(code)  # the clean-up of the session is for the process that was forked


class Ground:
    """The data folder and the database, kept as they are now."""

    def __init__(self) -> None:
        connections.close_all()
        self.folder = Path(settings.DATA_DIR)
        self.copy = self.folder.with_name(f"{self.folder.name}-kept")
        self.name: str = settings.DATABASES["default"]["NAME"]
        shutil.copytree(self.folder, self.copy)
        if connection.vendor == "postgresql":
            self._make(f"{self.name}_kept", like=self.name)

    def restore(self) -> None:
        shutil.rmtree(self.folder)
        shutil.copytree(self.copy, self.folder)
        if connection.vendor == "postgresql":
            self._make(self.name, like=f"{self.name}_kept")

    def _make(self, name: str, *, like: str) -> None:
        given = settings.DATABASES["default"]
        address = {"host": given["HOST"], "port": given["PORT"], "user": given["USER"], "dbname": "postgres"}
        names = {"name": sql.Identifier(name), "like": sql.Identifier(like)}
        with psycopg.connect(**address, autocommit=True) as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {name} WITH (FORCE)").format(**names))
            server.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {like}").format(**names))
