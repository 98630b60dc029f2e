"""Text to vectors: one encoder per process, of the class that `settings.TCS_ENCODER` names.

An encoder's name and fingerprint are read from its files. Nothing heavy is loaded until a text has to be encoded: a
rebuild that finds every text unchanged never loads the model.
"""

from __future__ import annotations

import logging
import threading
from typing import Literal

import numpy as np
from django.conf import settings
from django.utils.module_loading import import_string
from numpy.typing import NDArray

from indexing.encoders.model_encoder import Backend, ModelEncoder
from indexing.encoders.protocol import Encoder
from indexing.encoders.query_cache import QueryCache
from indexing.encoders.torch_encoder import SentenceTransformerEncoder
from indexing.errors import EncoderUnavailable
from indexing.lib.messages import message
from indexing.lib.process_state import on_forget
from indexing.lib.threads import BackgroundThread

__all__ = [
    "Backend",
    "Encoder",
    "ModelEncoder",
    "SentenceTransformerEncoder",
    "LoadState",
    "backend",
    "forget_queries",
    "loaded",
    "configured",
    "load_in_background",
    "query_vector",
    "reset",
    "load_state",
]

logger = logging.getLogger(__name__)

LOADING_SECONDS = 600.0
LOOK_SECONDS = 5.0
"""How often a process that runs the model under torch checks whether its ONNX export is ready."""

LoadState = Literal["not loaded", "loading", "ready", "failed"]
"""How far this process is with loading its encoder. Shown by /readyz."""

_make = threading.Lock()
_encoder: Encoder | None = None
_load_state: LoadState = "not loaded"
_queries = QueryCache()


def configured() -> Encoder:
    """The process's encoder, perhaps not loaded yet: enough to read its name and fingerprint.

    Raises EncoderUnavailable if its files are missing or damaged.
    """
    global _encoder
    with _make:
        if _encoder is None:
            try:
                _encoder = import_string(settings.TCS_ENCODER)()
            except ImportError as error:
                raise EncoderUnavailable(
                    message(
                        "TCS_ENCODER=%(path)s is not the name of an encoder: %(error)s",
                        path=settings.TCS_ENCODER,
                        error=error,
                    )
                ) from error
        return _encoder


def loaded() -> Encoder:
    """The process's encoder, loaded. Waits while another thread loads it; a failed load is tried again.

    Raises EncoderUnavailable, which says how to fix it.
    """
    global _load_state
    if _load_state != "ready":
        _load_state = "loading"
    try:
        encoder = configured()
        encoder.load()
    except BaseException:  # short of memory, for example: not "loading" for ever
        _load_state = "failed"
        raise
    _load_state = "ready"
    return encoder


def query_vector(encoder: Encoder, text: str) -> NDArray[np.float32]:
    """The unit vector of a query, float32[d], read-only; cached for the most recent queries.

    Raises EncoderUnavailable.
    """
    return _queries.vector(encoder, text)


def forget_queries() -> None:
    """Empty the cache of query vectors, so that the next query is encoded: for measurements."""
    _queries.clear()


def load_state() -> LoadState:
    """Whether `loaded` has been called in this process, and how that ended."""
    return _load_state


def backend() -> Backend | None:
    """What runs the configured model in this process; None until it is loaded, and for other kinds of encoder."""
    return _encoder.backend if isinstance(_encoder, ModelEncoder) else None


def _load_and_switch() -> float | None:
    try:
        encoder = loaded()
    except EncoderUnavailable as error:
        logger.error("%s", error)
        return None
    if isinstance(encoder, ModelEncoder) and encoder is _encoder and not encoder.switch_to_export():
        return LOOK_SECONDS
    return None


@on_forget
def reset() -> None:
    """Forget the encoder, so that the next `loaded` reads the settings again: for tests."""
    global _encoder, _load_state
    with _make:
        _encoder = None
        _load_state = "not loaded"
    _queries.clear()


_background = BackgroundThread(
    "model", _load_and_switch, retry_seconds=LOOK_SECONDS, working_seconds=LOADING_SECONDS, stop_seconds=0.0
)
load_in_background = _background.start
"""Start loading and return at once. A failure is logged, and `loaded` raises it again.

A model without an export is loaded under torch, and switches to ONNX Runtime once it has been exported.
"""
