"""Texts to vectors: one encoder per process, the class that `settings.TCS_ENCODER` names.

What identifies an encoder (name, fingerprint) is read from its files, and nothing heavy is loaded until a text really
has to be encoded: a rebuild that finds every text unchanged never pays for the model.
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

LOOK_SECONDS = 5.0
"""Between two looks for the export, in a process that has had to do without."""

LoadState = Literal["not loaded", "loading", "ready", "failed"]

_make = threading.Lock()
_encoder: Encoder | None = None
_load_state: LoadState = "not loaded"
_queries = QueryCache()


def configured() -> Encoder:
    """The process's encoder, perhaps not loaded yet: enough for its name and fingerprint.

    Raises EncoderUnavailable when its files are missing or damaged.
    """
    global _encoder
    with _make:
        if _encoder is None:
            try:
                _encoder = import_string(settings.TCS_ENCODER)()
            except ImportError as error:
                raise EncoderUnavailable(
                    message(
                        "TCS_ENCODER=%(path)s names no encoder: %(error)s", path=settings.TCS_ENCODER, error=error
                    )
                ) from error
        return _encoder


def loaded() -> Encoder:
    """The process's encoder, loaded. Waits while another thread loads it; a failed load is tried again.

    Raises EncoderUnavailable with the mend.
    """
    global _load_state
    if _load_state != "ready":
        _load_state = "loading"
    try:
        encoder = configured()
        encoder.load()
    except EncoderUnavailable:
        _load_state = "failed"
        raise
    _load_state = "ready"
    return encoder


def query_vector(encoder: Encoder, text: str) -> NDArray[np.float32]:
    """float32[d], unit length, read-only; of the last queries without encoding them again."""
    return _queries.vector(encoder, text)


def forget_queries() -> None:
    """For measurements: the next query is encoded whatever was asked before."""
    _queries.clear()


def load_state() -> LoadState:
    return _load_state


def backend() -> Backend | None:
    """What computes the configured model in this process; None until it is loaded."""
    return _encoder.backend if isinstance(_encoder, ModelEncoder) else None


def load_in_background() -> None:
    """Begin to load and return at once. A failure is logged; whoever calls `loaded` is told as well.

    A model that has no export yet is loaded under torch, and changes over once it has one.
    """
    threading.Thread(target=_load_quietly, name="load-encoder", daemon=True).start()


def _load_quietly() -> None:
    try:
        encoder = loaded()
    except EncoderUnavailable as error:
        logger.error("%s", error)
        return
    looking = threading.Event()
    while isinstance(encoder, ModelEncoder) and encoder is _encoder and not encoder.prefer_export():
        looking.wait(LOOK_SECONDS)


@on_forget
def reset() -> None:
    """Forget the encoder, so that the next `loaded` reads the settings again: for tests."""
    global _encoder, _load_state
    with _make:
        _encoder = None
        _load_state = "not loaded"
    _queries.clear()
