"""Runs any model of sentence-transformers under torch.

Importing torch takes seconds and hundreds of megabytes, so it is only imported when a text has to be encoded.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from indexing.encoders import devices
from indexing.encoders.batching import BATCH, batches, characters_read, encodable
from indexing.encoders.model_files import ModelFiles
from indexing.encoders.protocol import DOCUMENT, QUERY, BatchCallback, Role
from indexing.errors import EncoderUnavailable
from indexing.lib.messages import message

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

QUIET_AND_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false",
}


ACCELERATED_BATCH = 64
"""Texts per forward pass on an accelerator, which is idle with fewer."""


class SentenceTransformerEncoder:
    """The configured model, run by torch. Threads that encode at once take turns, batch by batch."""

    def __init__(self, files: ModelFiles | None = None, device: str = "") -> None:
        """The model of `files` on `device`, as torch names it; without them the configured model, on the device
        that `TCS_DEVICE` says."""
        self.files = files or ModelFiles.configured()
        self.name = self.files.name
        self.fingerprint = self.files.fingerprint
        self._device = device
        self._model: SentenceTransformer | None = None
        self._lock = threading.Lock()

    @property
    def dimension(self) -> int:
        """Floats per vector; loads the model, since only that knows for certain. Raises EncoderUnavailable."""
        return _dimension(self.loaded())

    def load(self) -> None:
        """Load the model unless it is loaded. Raises EncoderUnavailable."""
        self.loaded()

    def loaded(self) -> SentenceTransformer:
        """The model as the library's own object, loaded. Raises EncoderUnavailable."""
        if self._model is None:
            with self._lock:
                if self._model is None:
                    self._model = self._load()
        return self._model

    def encode(
        self, texts: Sequence[str], role: Role = DOCUMENT, *, progress: BatchCallback | None = None
    ) -> NDArray[np.float32]:
        """Unit vectors, float32[n, d], in input order. Raises EncoderUnavailable, and what `progress` raises."""
        model = self.loaded()
        torch = importlib.import_module("torch")
        # not encode(): that knows nothing of the model's prompts, lengths and routes for queries and documents
        encode = model.encode_query if role == QUERY else model.encode_document
        vectors = np.empty((len(texts), _dimension(model)), dtype=np.float32)
        size = BATCH if str(model.device) == devices.CPU else ACCELERATED_BATCH
        for rows in batches(texts, size):
            # One batch at a time in the whole process: fast tokenizers fail if two threads use them at once.
            with self._lock, torch.inference_mode(), self._errors_of(torch):
                vectors[rows] = encode(
                    [encodable(texts[row]) for row in rows],
                    prompt=self.files.prompts.of(role),
                    batch_size=size,
                    show_progress_bar=False,
                    convert_to_numpy=True,
                    normalize_embeddings=True,
                )
            if progress is not None:
                progress(len(rows))
        return vectors

    def characters_read(self, texts: Sequence[str]) -> list[int]:
        """How many characters of each document the model reads before it cuts. Raises EncoderUnavailable."""
        model, prompt = self.loaded(), self.files.prompts.of(DOCUMENT)
        longest = getattr(model[0], "document_length", None) or model.max_seq_length
        tokenizer = model.tokenizer
        if not longest or not getattr(tokenizer, "is_fast", False):
            return [len(text) for text in texts]  # it has no limit, or nobody can tell where it cuts
        counts = []
        for text in texts:
            with self._lock:
                tokens: Any = tokenizer(
                    encodable(prompt + text), truncation=True, max_length=int(longest), return_overflowing_tokens=True
                )
            counts.append(characters_read(tokens.encodings[0], prompt, text))
        return counts

    @contextmanager
    def _errors_of(self, torch: Any) -> Iterator[None]:
        """Raises EncoderUnavailable where the device has too little memory."""
        try:
            yield
        except torch.OutOfMemoryError as error:
            raise EncoderUnavailable(
                message(
                    "The model %(name)s could not encode a text (%(error)s). Is there enough memory?",
                    name=self.name,
                    error=error,
                )
            ) from error

    def _load(self) -> SentenceTransformer:
        device = self._device or devices.chosen()
        for name, value in QUIET_AND_OFFLINE.items():
            os.environ.setdefault(name, value)
        try:
            library: Any = importlib.import_module("sentence_transformers")
            importlib.import_module("transformers.utils.logging").disable_progress_bar()
            damaged = importlib.import_module("safetensors").SafetensorError
        except ImportError as error:
            raise self.files.unusable(f"{type(error).__name__}: {error}") from error
        try:
            model: SentenceTransformer = library.SentenceTransformer(
                str(self.files.folder), device=device, local_files_only=True
            )
        except (ImportError, OSError, ValueError, KeyError, TypeError, RuntimeError, damaged) as error:
            raise self.files.unusable(f"{type(error).__name__}: {error}") from error
        # A CPU calculates with float32 several times faster than with the 16 bits that some files store.
        return model.float().eval()


def _dimension(model: SentenceTransformer) -> int:
    dimension = model.get_embedding_dimension()
    if dimension is None:
        raise EncoderUnavailable(message("The model does not say how many dimensions its vectors have."))
    return int(dimension)
