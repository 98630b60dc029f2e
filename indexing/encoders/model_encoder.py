"""The configured model, computed by whatever is there: its export under ONNX Runtime, else sentence-transformers."""

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
from indexing.encoders.protocol import ProgressCallback
from indexing.encoders.torch_encoder import SentenceTransformerEncoder

logger = logging.getLogger(__name__)

Backend = Literal["onnx", "torch"]


class ModelEncoder:
    """What it is computed by is decided when it is loaded; from torch it may change to the export that comes later.

    The vectors are the same either way.
    """

    def __init__(self) -> None:
        """Raises EncoderUnavailable when the model's files are missing or damaged."""
        self.files = ModelFiles.configured()
        self.name = self.files.name
        self.fingerprint = self.files.fingerprint
        self._lock = threading.Lock()
        self._loaded: OnnxEncoder | SentenceTransformerEncoder | None = None

    @property
    def backend(self) -> Backend | None:
        """What computes; None while nothing is loaded."""
        if self._loaded is None:
            return None
        return "onnx" if isinstance(self._loaded, OnnxEncoder) else "torch"

    @property
    def dimension(self) -> int:
        return self._get().dimension

    def load(self) -> None:
        self._get()

    def encode(self, texts: Sequence[str], *, progress: ProgressCallback | None = None) -> NDArray[np.float32]:
        return self._get().encode(texts, progress=progress)

    def prefer_export(self) -> bool:
        """Whether ONNX Runtime computes now. Where torch did and the export has come since, it takes over.

        Searches go on meanwhile; those that are encoding end under torch. Its weights are given back, the
        libraries stay in memory until the process ends.
        """
        if self.backend == "torch":
            try:
                encoder = OnnxEncoder(onnx_files.find(self.fingerprint), self.name)
            except onnx_files.NoExport:
                return False
            self._loaded = encoder
            gc.collect()  # a model of torch is full of circles
            logger.info(
                gettext_noop("The model %s has been exported since, and runs under ONNX Runtime from now on."),
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
            return OnnxEncoder(onnx_files.find(self.fingerprint), self.name)
        except onnx_files.NoExport as why:
            # its message: the error has this frame in its traceback, and would hold the model as long as it is kept
            logger.warning(
                gettext_noop("The model %s runs under sentence-transformers, not under ONNX Runtime: %s."),
                self.name,
                why.message,
            )
        encoder = SentenceTransformerEncoder(self.files)
        encoder.load()
        return encoder
