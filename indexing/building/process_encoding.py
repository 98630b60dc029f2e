"""Encodes shards of texts in several processes of this machine, as many as `TCS_WORKER_PROCESSES` says.

Each has a model of its own and a part of the threads. They end with the process that builds, however that ends.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

import django
import numpy as np
from numpy.typing import NDArray

from indexing.building.dask_encoding import AHEAD, TICK_SECONDS, Shard
from indexing.building.reporting import StageProgress
from indexing.encoders import Encoder, dask_task
from indexing.encoders.dask_task import Equipment
from indexing.encoders.onnx_encoder import threads
from indexing.errors import EncoderUnavailable
from indexing.lib.messages import message
from indexing.lib.processes import killed_with


def encode(
    processes: int, encoder: Encoder, shards: Sequence[Shard], progress: StageProgress
) -> Generator[tuple[int, NDArray[np.float32]], None, None]:
    """The vectors, float32[n, d], of each shard, with its place in `shards`, in the order in which they are done.

    `encoder` is what this process has; the others make their own of the same settings. Raises EncoderUnavailable if
    one of them has another model, or is lost; and what `progress` raises, once the shards in work are done.
    """
    wanted = Equipment.of(encoder)
    pool = ProcessPoolExecutor(
        processes,
        multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(os.getpid(), max(threads() // processes, 1)),
    )
    waiting = deque(range(len(shards)))
    running: dict[Future[NDArray[np.float32]], int] = {}
    try:
        while waiting or running:
            while waiting and len(running) < AHEAD * processes:
                number = waiting.popleft()
                running[pool.submit(dask_task.encode, list(shards[number].texts), wanted)] = number
            done, _ = wait(running, TICK_SECONDS, FIRST_COMPLETED)
            if not done:
                progress.advance(0)
            for future in done:
                number = running.pop(future)
                yield number, future.result()
                progress.advance(len(shards[number].texts))
    except BrokenProcessPool as error:
        raise EncoderUnavailable(
            message(
                "A process that encodes has ended (%(error)s), most often because memory ran out. Set "
                "TCS_WORKER_PROCESSES=%(fewer)d. What was encoded is kept: rebuild.",
                error=error,
                fewer=max(processes // 2, 1),
            )
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(parent: int, own_threads: int) -> None:
    """In each of the processes, before anything else."""
    if end := killed_with(parent):
        end()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that builds
    os.environ["OMP_NUM_THREADS"] = str(own_threads)
    django.setup(set_prefix=False)
