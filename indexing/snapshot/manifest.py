"""What a version says of itself: `manifest.json`, read back with suspicion."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from indexing.errors import SnapshotInvalid
from indexing.lib.messages import message

FORMAT = 1
"""Raise it when the files change so that older code cannot read them."""

MANIFEST_NAME = "manifest.json"
EXACT = "exact"
HNSW = "hnsw"

Raw = bytes  # `bytes` is a property below


@dataclass(frozen=True, slots=True)
class FileEntry:
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that is known of a version; `files` maps paths relative to its folder, the manifest itself not."""

    number: int
    fence: int
    created: str
    """ISO 8601 in UTC."""
    model_name: str
    fingerprint: str
    dimension: int
    count: int
    template_version: int
    ann_kind: str
    ann_recall: float | None
    """recall@10 against exact search, measured on a sample; None where the index is exact."""
    files: Mapping[str, FileEntry] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Size of all its files together."""
        return sum(entry.bytes for entry in self.files.values())

    @property
    def created_at(self) -> datetime:
        return datetime.fromisoformat(self.created)

    def to_bytes(self) -> Raw:
        """JSON with sorted keys: the same manifest always has the same hash."""
        return (
            json.dumps({"format": FORMAT, **asdict(self)}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        ).encode()

    @classmethod
    def from_bytes(cls, raw: Raw) -> Manifest:
        """Raises SnapshotInvalid when it is no manifest, of another format, or lacks a key."""
        try:
            data = json.loads(raw)
        except ValueError as error:
            raise SnapshotInvalid(
                message("%(file)s is not JSON: %(error)s. Rebuild the index.", file=MANIFEST_NAME, error=error)
            ) from error
        if not isinstance(data, dict):
            raise _wrong("manifest", data, "object")
        found = _take(data, "format", int)
        if found != FORMAT:
            raise SnapshotInvalid(
                message(
                    "%(file)s has format %(found)s, this release reads format %(known)s: rebuild the index, "
                    "or run the release that built it.",
                    file=MANIFEST_NAME,
                    found=found,
                    known=FORMAT,
                ),
            )
        created = _take(data, "created", str)
        try:
            datetime.fromisoformat(created)
        except ValueError:
            raise _wrong("created", created, "ISO 8601") from None
        kind = _take(data, "ann_kind", str)
        if kind not in (EXACT, HNSW):
            raise _wrong("ann_kind", kind, f"{EXACT} | {HNSW}")
        recall = _take(data, "ann_recall", (int, float, type(None)))
        if (recall is None) != (kind == EXACT):
            raise _wrong("ann_recall", recall, f"null <=> {EXACT}")
        return cls(
            number=_count(data, "number"),
            fence=_count(data, "fence"),
            created=created,
            model_name=_take(data, "model_name", str),
            fingerprint=_take(data, "fingerprint", str),
            dimension=_count(data, "dimension"),
            count=_count(data, "count"),
            template_version=_count(data, "template_version"),
            ann_kind=kind,
            ann_recall=recall,
            files={name: _entry(name, entry) for name, entry in _take(data, "files", dict).items()},
        )


def _entry(name: str, entry: object) -> FileEntry:
    # A path that leaves the folder would make the reader hash, and a sweep touch, what is not the version's.
    if name.startswith("/") or ".." in name.split("/"):
        raise _wrong("files", name, "relative path")
    if not isinstance(entry, dict):
        raise _wrong(f"files.{name}", entry, "object")
    return FileEntry(bytes=_count(entry, "bytes"), sha256=_take(entry, "sha256", str))


def _count(data: dict[str, Any], key: str) -> int:
    value: int = _take(data, key, int)
    if value < 0:
        raise _wrong(key, value, ">= 0")
    return value


def _take(data: dict[str, Any], key: str, kind: type | tuple[type, ...]) -> Any:
    if key not in data:
        raise SnapshotInvalid(message("%(file)s has no “%(key)s”. Rebuild the index.", file=MANIFEST_NAME, key=key))
    value = data[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        raise _wrong(key, value, " | ".join(each.__name__ for each in kinds))
    return value


def _wrong(key: str, value: object, expected: str) -> SnapshotInvalid:
    return SnapshotInvalid(
        message(
            "%(file)s: “%(key)s” is %(value)s, expected: %(expected)s. Rebuild the index.",
            file=MANIFEST_NAME,
            key=key,
            value=repr(value)[:80],
            expected=expected,
        ),
    )
