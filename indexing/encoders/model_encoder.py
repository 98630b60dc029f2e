"""The configured model: its export under ONNX Runtime if there is one, else sentence-transformers under torch.

Where torch finds an accelerator, it encodes many documents at once there; queries stay with the export, which answers
one in a few milliseconds without torch.
"""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Sequence
from typing import Literal

import numpy as np
from django.conf import settings
from django.utils.translation import gettext_noop
from numpy.typing import NDArray

from indexing.encoders import devices, onnx_files
from indexing.encoders.model_files import ModelFiles
from indexing.encoders.onnx_encoder import OnnxEncoder
from indexing.encoders.protocol import DOCUMENT, MIN_COSINE, BatchCallback, Encoder, Role
from indexing.encoders.torch_encoder import SentenceTransformerEncoder
from indexing.errors import EncoderUnavailable
from indexing.lib.messages import message

logger = logging.getLogger(__name__)

Backend = Literal["onnx", "torch"]
"""Which library runs the model: ONNX Runtime, or sentence-transformers under torch."""

MANY = 64
"""Documents in one call from which an accelerator is used."""
COMPARED = 16
"""Of these, how many are encoded without it too, to see that it gives the same vectors."""


class ModelEncoder:
    """Chooses between ONNX Runtime and torch when it is loaded, and can later switch from torch to a new export.

    The vectors are the same either way. Any number of threads may encode at once.
    """

    def __init__(self, files: ModelFiles | None = None) -> None:
        """The configured model, or that of `files`. Raises EncoderUnavailable if it is missing or damaged."""
        self.files = files or ModelFiles.configured()
        self.name = self.files.name
        self.fingerprint = self.files.fingerprint
        self._lock = threading.Lock()
        self._loaded: OnnxEncoder | SentenceTransformerEncoder | None = None
        self._accelerated: SentenceTransformerEncoder | None = None
        self._has_looked = False

    @property
    def backend(self) -> Backend | None:
        """Which library runs the model; None until it is loaded."""
        if self._loaded is None:
            return None
        return "onnx" if isinstance(self._loaded, OnnxEncoder) else "torch"

    @property
    def dimension(self) -> int:
        """Floats per vector; loads the model. Raises EncoderUnavailable."""
        return self._get().dimension

    def load(self) -> None:
        """Load the model unless it is loaded. Raises EncoderUnavailable."""
        self._get()

    def encode(
        self, texts: Sequence[str], role: Role = DOCUMENT, *, progress: BatchCallback | None = None
    ) -> NDArray[np.float32]:
        """Unit vectors, float32[n, d], in input order. Raises EncoderUnavailable, and what `progress` raises."""
        encoder: Encoder = self._get()
        if role == DOCUMENT and len(texts) >= MANY:
            encoder = self._on_accelerator(texts) or encoder
        return encoder.encode(texts, role, progress=progress)

    def characters_read(self, texts: Sequence[str]) -> list[int]:
        """How many characters of each text the model reads before it cuts. Raises EncoderUnavailable."""
        return self._get().characters_read(texts)

    def switch_to_export(self) -> bool:
        """Switch from torch to ONNX Runtime if the model has been exported since; whether ONNX Runtime runs it now.

        Texts that are being encoded meanwhile finish under torch. The memory of its weights is then freed; the
        libraries stay in memory until the process ends.
        """
        if self.backend == "torch":
            try:
                encoder = OnnxEncoder(onnx_files.find_export(self.fingerprint), self.name)
            except onnx_files.NoExport:
                return False
            self._loaded = encoder
            gc.collect()  # a torch model is full of reference cycles
            logger.info(
                gettext_noop("The model %s has been exported and runs under ONNX Runtime from now on."),
                self.name,
            )
        return self.backend == "onnx"

    def _get(self) -> OnnxEncoder | SentenceTransformerEncoder:
        if self._loaded is None:
            with self._lock:
                if self._loaded is None:
                    self._loaded = self._load()
        return self._loaded

    def _on_accelerator(self, texts: Sequence[str]) -> Encoder | None:
        """The model on an accelerator; None without one, and where torch runs the model anyway."""
        ordinary = self._get()
        with self._lock:
            if not self._has_looked and isinstance(ordinary, OnnxEncoder):
                self._accelerated = _accelerated(self.files, ordinary, texts[:: len(texts) // COMPARED][:COMPARED])
                self._has_looked = True
        return self._accelerated

    def _load(self) -> OnnxEncoder | SentenceTransformerEncoder:
        try:
            return OnnxEncoder(onnx_files.find_export(self.fingerprint), self.name)
        except onnx_files.NoExport as why:
            # Only its message: the error's traceback refers to this frame, and would keep the model in memory.
            logger.warning(
                gettext_noop("The model %s runs under sentence-transformers, not under ONNX Runtime: %s."),
                self.name,
                why.message,
            )
        encoder = SentenceTransformerEncoder(self.files)
        encoder.load()
        return encoder


def _accelerated(files: ModelFiles, ordinary: Encoder, texts: Sequence[str]) -> SentenceTransformerEncoder | None:
    """The model on an accelerator, if that gives the `texts` the same vectors; None without one.

    With `TCS_DEVICE=auto` one that fails is passed over with a warning; otherwise it raises EncoderUnavailable, or
    what torch raises.
    """
    device = devices.chosen()
    if device == devices.CPU:
        return None
    encoder = SentenceTransformerEncoder(files, device)
    try:
        cosine = float((encoder.encode(texts) * ordinary.encode(texts)).sum(axis=1).min())
        if not cosine >= MIN_COSINE:  # also for NaN
            raise EncoderUnavailable(
                message(
                    "On the device %(device)s the model %(name)s gives other vectors than on the processor: cosine "
                    "similarity %(cosine).6f. Update the device’s driver, or set TCS_DEVICE=cpu.",
                    device=device,
                    name=files.name,
                    cosine=cosine,
                )
            )
    except (EncoderUnavailable, RuntimeError) as error:  # torch's, for whatever a device or its driver cannot do
        if settings.TCS_DEVICE != "auto":
            raise
        logger.warning(gettext_noop("The device %s is not used: %s"), device, error)
        return None
    logger.info(gettext_noop("Encoding on the device %s."), device)
    return encoder
