"""Starts a worker process for a run, unless workers run on their own (TCS_WORKER=external)."""

from __future__ import annotations

import logging
import os
import sys
from subprocess import DEVNULL, Popen

from django.conf import settings

from indexing.audit import Actor
from indexing.lib import processes
from indexing.lib.messages import message
from indexing.lib.process_state import on_forget
from indexing.models import IndexVersion, RebuildRun
from indexing.runs import endings, queue

logger = logging.getLogger(__name__)

_children: list[Popen[bytes]] = []


def request(
    kind: str, actor: Actor, *, reembed: bool = False, scheduled: bool = False, reason: str = ""
) -> RebuildRun:
    """Request a run and start a worker for it. Raises Busy, SchedulePaused, Refused."""
    own_worker = settings.TCS_WORKER == "subprocess"
    owner = processes.me() if own_worker else None
    run = queue.request(kind, actor, reembed=reembed, owner=owner, scheduled=scheduled, reason=reason)
    if own_worker:
        start_worker_for(run)
    return run


def start_worker_for(run: RebuildRun) -> None:
    """Start a worker for the queued run. If that is not possible the run fails, with the reason."""
    try:
        child = _start("--run", str(run.pk))
    except OSError as error:
        logger.exception("No worker could be started for run %s", run.pk)
        why = message("The build process could not be started: %(error)s.", error=error.strerror or error)
        endings.fail(run, why)
        return
    queue.assign_worker(run, processes.identify(child.pid))


def start_worker_for_map(version: IndexVersion) -> None:
    """Start a process that computes the version's map, unless another process has taken it already."""
    if not version.assign_map(processes.me()):
        return
    try:
        child = _start("--map", str(version.number))
    except OSError:
        logger.exception("No worker could be started for the map of version %s", version.number)
        return
    version.assign_map(processes.identify(child.pid))


@on_forget
def reap_children() -> None:
    """Forget the workers that have ended. Running ones continue: they belong to their run."""
    _children[:] = [child for child in _children if child.poll() is None]


def _start(*arguments: str) -> Popen[bytes]:
    """Start a worker in a session of its own: what ends the web process (Ctrl-C, a restart) does not end the run."""
    reap_children()
    environment = os.environ | {
        "OMP_NUM_THREADS": str(settings.TCS_WORKER_THREADS)
    }  # web processes keep theirs to one
    environment.pop("PROMETHEUS_MULTIPROC_DIR", None)  # a worker counts no searches
    child = Popen(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "index_worker", "--low-priority", *arguments],
        env=environment,
        stdin=DEVNULL,
        start_new_session=True,
        cwd=settings.BASE_DIR,
    )
    _children.append(child)
    return child
