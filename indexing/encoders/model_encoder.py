"""The configured model: its export under ONNX Runtime if there is one, else sentence-transformers under torch."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Sequence
from typing import Literal

import numpy as np
from django.utils.translation import gettext_noop
from numpy.typing import NDArray

from indexing.encoders import onnx_files
from indexing.encoders.model_files import ModelFiles
from indexing.encoders.onnx_encoder import OnnxEncoder
from indexing.encoders.protocol import DOCUMENT, BatchCallback, Role
from indexing.encoders.torch_encoder import SentenceTransformerEncoder

logger = logging.getLogger(__name__)

Backend = Literal["onnx", "torch"]
"""Which library runs the model: ONNX Runtime, or sentence-transformers under torch."""


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
        return self._get().encode(texts, role, progress=progress)

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
