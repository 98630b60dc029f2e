"""The ONNX export of a model on disk: where it lies, what it must hold, and when it may be trusted.

`<data>/models/<fingerprint>/` holds `model.onnx`, `tokenizer.json` and `meta.json`, which has their hashes; written
once by the worker (`onnx_export`) and never changed. A model that cannot be exported has a `meta.json`
that says why, so that no run tries in vain again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from indexing.lib import paths
from indexing.lib.files import file_sha256
from indexing.lib.messages import Message, message

FORMAT = 1
"""Raise it when graph or files change: older exports are then made anew."""

META, GRAPH, TOKENIZER = "meta.json", "model.onnx", "tokenizer.json"


class NoExport(Exception):
    """There is no usable export; `message` says why, without a full stop."""

    def __init__(self, why: Message) -> None:
        self.message = why
        super().__init__(why)

    def __str__(self) -> str:
        return str(self.message)


@dataclass(frozen=True, slots=True)
class Meta:
    format: int
    fingerprint: str
    made_by: str
    """versions of the libraries that made it: others may succeed where these could not"""
    refused: str | dict[str, Any] = ""
    """why there is no export (`Message.as_dict`; an older release wrote text); empty when there is one"""
    dimension: int = 0
    longest: int = 0
    """tokens of a text that count, the special ones among them"""
    pad_id: int = 0
    files: dict[str, str] = field(default_factory=dict)
    """name to SHA-256"""

    @property
    def reason(self) -> Message:
        """Of the refusal."""
        return Message(self.refused) if isinstance(self.refused, str) else Message.from_dict(self.refused)

    def to_text(self) -> str:
        return json.dumps(asdict(self), indent=1, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Export:
    folder: Path
    meta: Meta

    @property
    def graph(self) -> Path:
        return self.folder / GRAPH

    @property
    def tokenizer(self) -> Path:
        return self.folder / TOKENIZER


def folder_of(fingerprint: str) -> Path:
    return paths.models_folder() / fingerprint


def find(fingerprint: str) -> Export:
    """The export of the model with this fingerprint, its files verified by hash. Raises NoExport."""
    return open_folder(folder_of(fingerprint), fingerprint)


def open_folder(folder: Path, fingerprint: str) -> Export:
    meta = read_meta(folder, fingerprint)
    if meta.refused:
        raise NoExport(meta.reason)
    for name in (GRAPH, TOKENIZER):
        try:
            found = file_sha256(folder / name)
        except OSError as error:
            raise NoExport(_damaged(folder / name, error.strerror or str(error))) from error
        if found != meta.files.get(name):
            raise NoExport(_damaged(folder / name, message("its SHA-256 is not the one in meta.json")))
    return Export(folder, meta)


def read_meta(folder: Path, fingerprint: str) -> Meta:
    """What `meta.json` says, perhaps that the model was refused. Raises NoExport: none, damaged, another's."""
    path = folder / META
    try:
        meta = Meta(**json.loads(path.read_bytes()))
    except FileNotFoundError as error:
        raise NoExport(message("it has not been exported yet; the next run of the index does that")) from error
    except OSError as error:
        raise NoExport(_damaged(path, error.strerror or str(error))) from error
    except (ValueError, TypeError) as error:
        raise NoExport(_damaged(path, str(error))) from error
    if (meta.format, meta.fingerprint) != (FORMAT, fingerprint):
        raise NoExport(message("%(file)s is of another format or model; the next run makes it again", file=path))
    return meta


def _damaged(path: Path, why: Message | str) -> Message:
    return message("%(file)s cannot be used (%(why)s); the next run makes it again", file=path, why=why)
