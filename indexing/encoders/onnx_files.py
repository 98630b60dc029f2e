"""Reads the ONNX export of a model, and checks its files.

`<data>/models/<fingerprint>/` holds `model.onnx`, `tokenizer.json` and `meta.json`, which has their hashes, and
`queries.onnx` if the model has a compact form (`onnx_compact`). The worker writes it once (`onnx_export`); it never
changes. For a model that cannot be exported there is only a `meta.json` with the reason, so that the next run does
not try again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from indexing.encoders.protocol import Role
from indexing.lib import paths
from indexing.lib.files import file_sha256
from indexing.lib.messages import Message, message

FORMAT = 2
"""Increase it when the graph or the files change: older exports are then made again."""

META, GRAPH, TOKENIZER = "meta.json", "model.onnx", "tokenizer.json"
COMPACT = "queries.onnx"
"""The compact graph, for queries only. Exports of earlier releases have none, and are used until the next rebuild."""
POOLING_MASK = "pooling_mask"
"""The graph's third input, where a model leaves the prompt's tokens out when it pools."""


class NoExport(Exception):
    """There is no usable export; `message` says why, without a full stop."""

    def __init__(self, why: Message) -> None:
        self.message = why
        super().__init__(why)

    def __str__(self) -> str:
        return str(self.message)


@dataclass(frozen=True, slots=True)
class Meta:
    """The content of meta.json."""

    format: int
    fingerprint: str
    made_by: str
    """Versions of the libraries that made it; if they failed, other versions may succeed."""
    refused: str | dict[str, Any] = ""
    """Why there is no export (`Message.as_dict`; older releases wrote text); empty if there is one."""
    dimension: int = 0
    """Floats per vector."""
    prompts: dict[Role, str] = field(default_factory=dict)
    """What is put before a text in each role."""
    longest: dict[Role, int] = field(default_factory=dict)
    """How many tokens of a text are used, including the prompt's and the special ones."""
    unpooled: dict[Role, int] = field(default_factory=dict)
    """How many tokens at the beginning are left out when the model pools: 0, or the prompt's."""
    pad_id: int = 0
    files: dict[str, str] = field(default_factory=dict)
    """File name -> SHA-256; empty for a compact graph that the model cannot have."""

    @property
    def reason(self) -> Message:
        """Why there is no export."""
        return Message(self.refused) if isinstance(self.refused, str) else Message.from_dict(self.refused)

    def to_text(self) -> str:
        """The content of meta.json, as JSON text."""
        return json.dumps(asdict(self), indent=1, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Export:
    """An export whose files have been checked."""

    folder: Path
    meta: Meta

    @property
    def graph(self) -> Path:
        return self.folder / GRAPH

    @property
    def compact(self) -> Path | None:
        """The graph for queries; None if there is none."""
        return self.folder / COMPACT if self.meta.files.get(COMPACT) else None

    @property
    def tokenizer(self) -> Path:
        return self.folder / TOKENIZER


def folder_of(fingerprint: str) -> Path:
    """Where the export of the model with this fingerprint is, or would be."""
    return paths.models_folder() / fingerprint


def find_export(fingerprint: str) -> Export:
    """The export of the model with this fingerprint, with its files checked by hash. Raises NoExport."""
    return open_folder(folder_of(fingerprint), fingerprint)


def open_folder(folder: Path, fingerprint: str) -> Export:
    """The export in `folder`, checked as in `find`. Raises NoExport."""
    meta = read_meta(folder, fingerprint)
    if meta.refused:
        raise NoExport(meta.reason)
    for name in (GRAPH, TOKENIZER, *([COMPACT] if meta.files.get(COMPACT) else [])):
        try:
            found = file_sha256(folder / name)
        except OSError as error:
            raise NoExport(_damaged(folder / name, error.strerror or str(error))) from error
        if found != meta.files.get(name):
            raise NoExport(_damaged(folder / name, message("its SHA-256 is not the one in meta.json")))
    return Export(folder, meta)


def read_meta(folder: Path, fingerprint: str) -> Meta:
    """The content of `meta.json`, which may say that the model cannot be exported.

    Raises NoExport if it is missing, damaged, of another format or of another model.
    """
    path = folder / META
    try:
        meta = Meta(**json.loads(path.read_bytes()))
    except FileNotFoundError as error:
        raise NoExport(message("it has not been exported yet, which the next rebuild does")) from error
    except OSError as error:
        raise NoExport(_damaged(path, error.strerror or str(error))) from error
    except (ValueError, TypeError) as error:
        raise NoExport(_damaged(path, str(error))) from error
    if (meta.format, meta.fingerprint) != (FORMAT, fingerprint):
        raise NoExport(message("%(file)s is of another format or model; the next rebuild makes it again", file=path))
    return meta


def _damaged(path: Path, why: Message | str) -> Message:
    return message("%(file)s cannot be used (%(why)s); the next rebuild makes it again", file=path, why=why)
