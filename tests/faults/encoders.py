"""Encoders with a fault, for `TCS_ENCODER`."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from indexing.encoders.protocol import DOCUMENT, Role
from tests.faults.marks import GIVE_UP_SECONDS, GO_ON, PAUSED
from tests.support.fakes import HashEncoder

Progress = Callable[[int], None] | None


class GatedEncoder(HashEncoder):
    """Waits before encoding more than a query until the file `go-on` is there; can be cancelled meanwhile."""

    def encode(
        self, texts: Sequence[str], role: Role = DOCUMENT, *, progress: Progress = None
    ) -> NDArray[np.float32]:
        if len(texts) > 1:
            folder = Path(settings.DATA_DIR)
            (folder / PAUSED).touch()
            give_up = time.monotonic() + GIVE_UP_SECONDS
            while not (folder / GO_ON).exists() and time.monotonic() < give_up:
                if progress is not None:
                    progress(0)
                time.sleep(0.02)
        return super().encode(texts, role, progress=progress)


class DyingEncoder(HashEncoder):
    """Kills its own process in the middle of the third shard of a run (of `shards.SIZE` texts each)."""

    calls = 0

    def encode(
        self, texts: Sequence[str], role: Role = DOCUMENT, *, progress: Progress = None
    ) -> NDArray[np.float32]:
        self.calls += 1
        if self.calls == 3:
            super().encode(texts[: len(texts) // 2], role, progress=progress)
            os.kill(os.getpid(), signal.SIGKILL)
        return super().encode(texts, role, progress=progress)


class GreedyEncoder(HashEncoder):
    """The same vectors, but it needs 64 MB for more than a query, as a large model needs more."""

    def encode(
        self, texts: Sequence[str], role: Role = DOCUMENT, *, progress: Progress = None
    ) -> NDArray[np.float32]:
        workspace = np.ones((64, 1 << 18), np.float32) if len(texts) > 1 else np.ones((1, 1), np.float32)
        assert workspace.all()
        return super().encode(texts, role, progress=progress)


class WideEncoder(HashEncoder):
    """A model of another dimension."""

    fingerprint = hashlib.sha256(b"tests.faults.encoders.WideEncoder").hexdigest()
    dimension = 1_024

    def encode(
        self, texts: Sequence[str], role: Role = DOCUMENT, *, progress: Progress = None
    ) -> NDArray[np.float32]:
        narrow = super().encode(texts, role, progress=progress)
        wide = np.zeros((len(texts), self.dimension), np.float32)
        wide[:, : narrow.shape[1]] = narrow
        return wide


class BulkyEncoder(WideEncoder):
    """With it a version of few experts is large."""

    fingerprint = hashlib.sha256(b"tests.faults.encoders.BulkyEncoder").hexdigest()
    dimension = 2_048


class LyingEncoder(WideEncoder):
    """Another dimension under the fingerprint of `HashEncoder`: as if its files had been exchanged unnoticed."""

    fingerprint = HashEncoder.fingerprint
