"""`python -m tests.benchmarks strangers`: what large bodies of strangers do to a server that runs, and to others."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import psutil

from tests.benchmarks.common import positive, report
from tests.support.server import PLAIN
from tests.support.strangers import KINDS, MB, Taken, push

HELP = "Send large bodies of all kinds to a server that runs, as a stranger, and watch its memory and /healthz."
QUIET_SECONDS = 2.0
HEAD = f"{'kind':>12} {'status':>7} {'taken MB':>9} {'seconds':>8} {'memory MB':>10} {'/healthz s':>11}"


@dataclass
class Watched:
    """The worst that was seen meanwhile."""

    memory: float = 0.0
    """MB more than before"""
    healthz: float = 0.0
    """seconds until somebody else had an answer"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=positive, required=True, help="of the server, on this machine")
    parser.add_argument("--pid", type=positive, required=True, help="of the server's process")
    parser.add_argument("--megabytes", type=positive, default=400, help="of each body (%(default)s)")
    parser.add_argument("--path", default="/admin/login/", help="where to (%(default)s)")


def run(options: argparse.Namespace) -> None:
    """Print the figures: without anybody, each kind alone, then all at once."""
    sys.stdout.write(f"{HEAD}\n")
    with watched(options.port, options.pid) as seen:
        time.sleep(QUIET_SECONDS)
    sys.stdout.write(
        f"{'nobody':>12} {'':>7} {'':>9} {QUIET_SECONDS:>8.1f} {seen.memory:>10.0f} {seen.healthz:>11.3f}\n"
    )
    for kinds in [*([kind] for kind in KINDS), list(KINDS)]:
        report(f"{' and '.join(kinds)}: {options.megabytes} MB each ...")
        with watched(options.port, options.pid) as seen:
            ended = send(kinds, options)
        for kind, taken in ended.items():
            figures = f"{taken.status:>7} {taken.megabytes:>9.1f} {taken.seconds:>8.1f}"
            sys.stdout.write(f"{kind:>12} {figures} {seen.memory:>10.0f} {seen.healthz:>11.3f}\n")


def send(kinds: list[str], options: argparse.Namespace) -> dict[str, Taken]:
    ended: dict[str, Taken] = {}

    def one(kind: str) -> None:
        ended[kind] = push(options.port, kind, options.path, options.megabytes * MB, stubborn=True)

    threads = [threading.Thread(target=one, args=(kind,)) for kind in kinds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ended


@contextmanager
def watched(port: int, pid: int) -> Iterator[Watched]:
    """Look at the server until the block ends."""
    process, seen, ended = psutil.Process(pid), Watched(), threading.Event()
    before = process.memory_info().rss

    def look() -> None:
        while not ended.is_set():
            start = time.monotonic()
            httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=300, verify=PLAIN)
            seen.healthz = max(seen.healthz, time.monotonic() - start)
            seen.memory = max(seen.memory, (process.memory_info().rss - before) / MB)
            ended.wait(0.05)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()
