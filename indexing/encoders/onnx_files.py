"""The ONNX export of a model on disk: where it lies, what it must hold, and when it may be trusted.

`<data>/models/<fingerprint>/` holds `model.onnx`, `tokenizer.json` and `meta.json`, which has their hashes; written
once by the worker (`onnx_export`) and never changed. A model that cannot be exported has a `meta.json`
that says why, so that no run tries in vain again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from django.utils.translation import gettext as _

from indexing.lib import paths
from indexing.lib.files import file_sha256

FORMAT = 1
"""Raise it when graph or files change: older exports are then made anew."""

META, GRAPH, TOKENIZER = "meta.json", "model.onnx", "tokenizer.json"


class NoExport(Exception):
    """There is none that can be used; `str` is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Meta:
    format: int
    fingerprint: str
    made_by: str
    """versions of the libraries that made it: others may succeed where these could not"""
    refused: str = ""
    """why there is no export; empty when there is one"""
    dimension: int = 0
    longest: int = 0
    """tokens of a text that count, the special ones among them"""
    pad_id: int = 0
    files: dict[str, str] = field(default_factory=dict)
    """name to SHA-256"""

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
        raise NoExport(meta.refused)
    for name in (GRAPH, TOKENIZER):
        try:
            found = file_sha256(folder / name)
        except OSError as error:
            raise NoExport(_damaged(folder / name, error.strerror or str(error))) from error
        if found != meta.files.get(name):
            raise NoExport(_damaged(folder / name, _("its SHA-256 is not the one in meta.json")))
    return Export(folder, meta)


def read_meta(folder: Path, fingerprint: str) -> Meta:
    """What `meta.json` says, perhaps that the model was refused. Raises NoExport: none, damaged, another's."""
    path = folder / META
    try:
        meta = Meta(**json.loads(path.read_bytes()))
    except FileNotFoundError as error:
        raise NoExport(_("it has not been exported yet; the next run of the index does that")) from error
    except OSError as error:
        raise NoExport(_damaged(path, error.strerror or str(error))) from error
    except (ValueError, TypeError) as error:
        raise NoExport(_damaged(path, str(error))) from error
    if (meta.format, meta.fingerprint) != (FORMAT, fingerprint):
        raise NoExport(_("%(file)s is of another format or model; the next run makes it anew") % {"file": path})
    return meta


def _damaged(path: Path, why: str) -> str:
    return _("%(file)s cannot be used (%(why)s); the next run makes it anew") % {"file": path, "why": why}
