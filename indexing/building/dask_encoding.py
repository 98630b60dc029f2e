"""Encodes shards of texts on the workers of a Dask scheduler, which `TCS_ENCODE` names.

Each shard is a task named by the hash of its texts' hashes, which stand for the model too. So it can be done twice
without harm: Dask gives the shards of a lost worker to others, and a lost run leaves what is done in
`indexing.building.shards`. Vectors come back through the scheduler; nothing has to be shared.
"""

from __future__ import annotations

import importlib
import logging
import queue
import time
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.utils.translation import gettext_noop
from numpy.typing import NDArray

from indexing.building.reporting import StageProgress
from indexing.encoders import Encoder, dask_task
from indexing.encoders.dask_task import Equipment, refusal
from indexing.errors import EncoderUnavailable, IndexingError
from indexing.lib.messages import message

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 15.0
"""How long the scheduler may take to answer before it counts as lost."""
NOBODY_SECONDS = 60.0
"""How long a run waits for a worker that can encode for it."""
LOOK_SECONDS = 1.0
TICK_SECONDS = 0.25
AHEAD = 2
"""Shards handed out for each worker: the one in work and the next. All at once would be all texts in one memory."""
RETRIES = 2
"""Times that a shard is tried again after an error on a worker."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Texts to encode together, and the name of their task."""

    name: str
    texts: Sequence[str]


def encode(
    address: str, encoder: Encoder, shards: Sequence[Shard], progress: StageProgress
) -> Generator[tuple[int, NDArray[np.float32]], None, None]:
    """The vectors, float32[n, d], of each shard, with its place in `shards`, in the order in which they are done.

    Workers need the model and the code of this process, whose encoder is `encoder`. Raises EncoderUnavailable if the
    scheduler cannot be reached, before anything is encoded, or is lost; and what `progress` raises.
    """
    with closing(_connected(address)) as client:
        yield from _Encoding(address, client, Equipment.of(encoder), shards, progress).results()


def _connected(address: str) -> Any:
    try:
        distributed = importlib.import_module("distributed")
    except ImportError as error:
        raise EncoderUnavailable(
            message(
                "TCS_ENCODE=%(address)s needs a package that is not installed (%(error)s). Install it with pip "
                "install -r requirements-dask.txt, or leave TCS_ENCODE empty to encode on this machine.",
                address=address,
                error=error,
            )
        ) from error
    try:
        return distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TypeError, ValueError, RuntimeError) as error:  # not only OSError without good certificates
        raise EncoderUnavailable(
            message(
                "The Dask scheduler %(address)s cannot be reached (%(error)s). Nothing was encoded. Start it, or "
                "leave TCS_ENCODE empty to encode on this machine, then rebuild.",
                address=address,
                error=error,
            )
        ) from error


@dataclass
class _Encoding:
    """One build's shards on the workers of one scheduler."""

    address: str
    client: Any
    wanted: Equipment
    shards: Sequence[Shard]
    progress: StageProgress
    fit: frozenset[str] | None = None
    """Addresses of the workers that can encode for this build, as they were seen last"""
    refused: set[str] = field(default_factory=set)
    looked: float = float("-inf")
    found: float = field(default_factory=time.monotonic)
    """When there was a fit worker last"""

    def results(self) -> Generator[tuple[int, NDArray[np.float32]], None, None]:
        """See `encode`."""
        waiting = deque(range(len(self.shards)))
        running: dict[Any, int] = {}
        done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        while waiting or running:
            self._look()
            while waiting and len(running) < AHEAD * len(self.fit or ()):
                number = waiting.popleft()
                future = self._submit(self.shards[number])
                running[future] = number
                future.add_done_callback(done.put)
            try:
                future = done.get(timeout=TICK_SECONDS)
            except queue.Empty:
                self.progress.advance(0)
                continue
            number = running[future]
            yield number, self._vectors(future)
            del running[future]
            self.progress.advance(len(self.shards[number].texts))

    def _submit(self, shard: Shard) -> Any:
        return self.client.submit(
            dask_task.encode,
            list(shard.texts),
            self.wanted,
            key=f"tcs-{shard.name}",
            resources={self.wanted.resource: 1},
            retries=RETRIES,
        )

    def _vectors(self, future: Any) -> NDArray[np.float32]:
        """The result of a task that has ended. Raises EncoderUnavailable."""
        if future.status == "cancelled":
            raise self._lost(future.status)
        if future.status == "finished":
            try:
                vectors: NDArray[np.float32] = future.result()
            except (OSError, CancelledError) as error:
                raise self._lost(error) from error
            return vectors
        failure = future.exception()
        if isinstance(failure, IndexingError):
            raise failure
        raise EncoderUnavailable(
            message(
                "A Dask worker could not encode some texts (%(name)s: %(error)s). Look at the workers’ logs; most "
                "often they have too little memory. What was encoded is kept: rebuild.",
                name=type(failure).__name__,
                error=failure,
            )
        )

    def _look(self) -> None:
        """See which workers there are. Raises EncoderUnavailable if none has been fit for NOBODY_SECONDS."""
        now = time.monotonic()
        if now < self.looked + LOOK_SECONDS:
            return
        self.looked = now
        workers = self._workers()
        fit = frozenset(each for each, info in workers.items() if self.wanted.resource in info["resources"])
        self._refuse(workers)
        if fit != self.fit:
            logger.info(gettext_noop("Workers of the Dask scheduler %s that encode: %d."), self.address, len(fit))
        self.fit = fit
        if fit:
            self.found = now
        elif now > self.found + NOBODY_SECONDS:
            raise EncoderUnavailable(
                message(
                    "No worker of the Dask scheduler %(address)s encodes with %(wanted)s. Start “manage.py "
                    "encoding_worker” where TCS has the same release and model, then rebuild.",
                    address=self.address,
                    wanted=str(self.wanted),
                )
            )

    def _workers(self) -> Mapping[str, Mapping[str, Any]]:
        if self.client.status == "closed":  # it gave up connecting again
            raise self._lost(self.client.status)
        try:
            scheduler = self.client.scheduler
            answer = self.client.sync(scheduler.identity, n_workers=-1, callback_timeout=ANSWER_SECONDS)
        except OSError as error:
            raise self._lost(error) from error
        workers: Mapping[str, Mapping[str, Any]] = answer["workers"]
        return workers

    def _refuse(self, workers: Mapping[str, Mapping[str, Any]]) -> None:
        """Say once of each worker of TCS why it is not used."""
        for address, info in workers.items():
            for own in filter(None, map(Equipment.announced, info["resources"])):
                if own != self.wanted and address not in self.refused:
                    self.refused.add(address)
                    logger.warning("%s", refusal(address, own, self.wanted))

    def _lost(self, error: object) -> EncoderUnavailable:
        return EncoderUnavailable(
            message(
                "The connection to the Dask scheduler %(address)s was lost (%(error)s). What was encoded is kept: "
                "rebuild once it runs again.",
                address=self.address,
                error=str(error) or type(error).__name__,
            )
        )
