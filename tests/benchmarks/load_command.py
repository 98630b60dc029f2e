"""`python -m tests.benchmarks load`: requests a second of one web process, and of several."""

from __future__ import annotations

import argparse
import http.client
import os
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from tests.benchmarks.common import BenchmarkFailed, positive, report
from tests.support.server import Site, said_until
from tests.support.services import free_port

HELP = "Search a copy of a data folder by the API and by the page, with one web process of `serve` and with several."
QUERIES = ("sourdough+bread", "coral+reefs", "payroll+and+taxes", "bees", "bridges", "who+can+help+with+contracts")
"""So few that each process has encoded them all before anything is counted."""
WARM_UP_SECONDS = 3.0
PREPARE = """
from django.contrib.auth.models import User
from django.test import Client
from indexing.models import ApiToken
User.objects.filter(username="load").delete()
user = User.objects.create_superuser("load")
client = Client()
client.force_login(user)
print(ApiToken.objects.issue(user)[1], client.session.session_key)
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", type=Path, required=True, help="data folder with a live version; it is copied")
    parser.add_argument("--processes", type=positive, nargs="+", default=[1, 2], help="how many (%(default)s)")
    parser.add_argument("--clients", type=positive, default=16, help="that ask at once (%(default)s)")
    parser.add_argument("--seconds", type=positive, default=10, help="of each measurement (%(default)s)")


def run(options: argparse.Namespace) -> None:
    """Print the figures. Raises BenchmarkFailed."""
    with tempfile.TemporaryDirectory(prefix="tcs-benchmark-") as folder:
        shutil.copytree(options.folder, folder, dirs_exist_ok=True)
        site = Site(Path(folder), {"TCS_WORKER": "external", "TCS_PREPARE_STATIC": "0"})
        site.manage("migrate", "--verbosity", "0")
        token, session = site.run(PREPARE).split()[-2:]
        targets = {
            "API": ("/api/search?q=", {"Authorization": f"Bearer {token}"}),
            "page": ("/?q=", {"Cookie": f"sessionid={session}"}),
        }
        first: dict[str, float] = {}
        sys.stdout.write(f"{'':>6} {'processes':>9} {'requests/s':>10} {'times':>6} {'load':>6}\n")
        for count in options.processes:
            for name, rate in rates(site, count, targets, options).items():
                times = rate / first.setdefault(name, rate)
                load = os.getloadavg()[0]
                sys.stdout.write(f"{name:>6} {count:>9} {rate:>10.1f} {times:>6.2f} {load:>6.1f}\n")


def rates(
    site: Site, count: int, targets: dict[str, tuple[str, dict[str, str]]], options: argparse.Namespace
) -> dict[str, float]:
    """Requests a second of each target, from a `serve` with that many processes. Raises BenchmarkFailed."""
    site.environment["TCS_WEB_PROCESSES"] = str(count)
    port = free_port()
    report(f"Starting {count} web processes ...")
    process = site.start("serve", "--port", str(port))
    try:
        said_until(process, "TCS is at")
        drain = threading.Thread(target=process.communicate, daemon=True)
        drain.start()
        _wait_for(port, process.pid, count)
        found = {}
        for name, (path, headers) in targets.items():
            _load(port, path, headers, options.clients, WARM_UP_SECONDS)
            found[name] = _load(port, path, headers, options.clients, options.seconds)
        return found
    finally:
        process.terminate()
        process.wait(60)


def _wait_for(port: int, pid: int, count: int) -> None:
    """Until every process accepts connections and can search."""
    give_up = time.monotonic() + 180
    seen: set[int] = set()
    while len(seen) < count:
        if time.monotonic() > give_up:
            raise BenchmarkFailed(f"Only {len(seen)} of {count} web processes answer.")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/readyz")
        if connection.getresponse().status == 200:
            mine = connection.sock.getsockname()[1]
            for child in psutil.Process(pid).children():
                if any(each.raddr and each.raddr.port == mine for each in child.net_connections("tcp")):
                    seen.add(child.pid)
        connection.close()


def _load(port: int, path: str, headers: dict[str, str], clients: int, seconds: float) -> float:
    """Requests a second, all clients together. Raises BenchmarkFailed if one was not answered with 200."""
    began, statuses = time.monotonic(), []

    def ask(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while time.monotonic() - began < seconds:
            connection.request("GET", path + QUERIES[number % len(QUERIES)], headers=headers)
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
            number += 1
        connection.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    if set(statuses) != {200}:
        raise BenchmarkFailed(f"{path} was answered with {sorted(set(statuses))}.")
    return len(statuses) / took
