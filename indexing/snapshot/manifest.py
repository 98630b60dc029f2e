"""The description of a version in its folder, `manifest.json`. Everything is checked when it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from indexing.errors import SnapshotInvalid
from indexing.lib.messages import message

FORMAT = 10
"""Increase it whenever the files of a version or the keys of the manifest change, and say here since when:

1 at first; without SUGGESTIONS and labels in the keyword index, but later releases of that format have both.
2 the same as the last ones of format 1.
3 with FEEDBACK and FEEDBACK_WORDS.
4 with passages; an exact index has no file of its own, since the vectors are compared as they are.
5 with another keyword index: words in their languages, joined words, places of words, and ANALYSIS.
6 with NONSENSE and strong_similarity.
7 with documents: a field of their own, and the manifest names the fields of which it has hashes.
8 with country, city, languages and date of availability: see `indexing.snapshot.places`. Since then an approximate
index may have an `ann_effort`, without a new number: who does not know it searches with less effort. Vectors in
  Milvus have an `engine`; who does not know it compares every vector, or misses `ann.faiss`.
9 with the words of passages in FEEDBACK. Since then the index of a very large version is of the kind IVF, without a
  new number: who does not know it refuses the version.
10 with the words of each text as they were analysed, for the next build: see `indexing.building.words`.

`tests/snapshot/test_format.py` notices a change without a new number."""
WITH_PASSAGES, WITH_STRENGTH, WITH_FIELDS = 4, 6, 7
FIELDS_BEFORE = (
    *("username", "name", "job_title", "company", "bio"),
    *("rate", "currency", "category", "photo", "manual_tags"),
)
"""The fields of versions that do not name them."""
READABLE = (1, 2, 3, 4, 5, 6, 7, 8, 9, FORMAT)
"""Of the first format only versions that have all files: see `indexing.snapshot.version_files.check_files`."""

MANIFEST_NAME = "manifest.json"
EXACT = "exact"
"""Kind of vector index: every vector is compared."""
HNSW = "hnsw"
"""Kind of vector index: an approximate one, see `indexing.snapshot.vectors`."""
IVF = "ivf"
"""Kind of vector index: an approximate one of very many vectors."""

FILES_ENGINE, MILVUS = "files", "milvus"
"""Where the vectors are searched: see `indexing.snapshot.engine`."""

Raw = bytes  # `bytes` is a property below


@dataclass(frozen=True, slots=True)
class FileEntry:
    """Size and hash of one file."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a version was built from and which files it has."""

    number: int
    """The version's number."""
    fence: int
    """The fencing token of the worker that built it: see `indexing.runs.lease`."""
    created: str
    """ISO 8601 in UTC."""
    model_name: str
    fingerprint: str
    """Identifies the model: see `indexing.encoders.protocol.Encoder`."""
    dimension: int
    """Floats per vector."""
    count: int
    """Number of experts."""
    template_version: int
    """Version of the text that is made from a profile: see `experts.profiles.text`."""
    ann_kind: str
    """EXACT, HNSW or IVF."""
    ann_recall: float | None
    """recall@10 against exact search, measured on a sample; None if the index is exact."""
    passages: int
    """Number of texts that were embedded: one for most experts, several for those with a long profile."""
    passage_rule: int
    """How long profiles were divided: see `experts.profiles.passages.RULE`; 0 if they were not."""
    strong_similarity: float | None = None
    """The similarity from which a match by meaning is strong; None in versions of earlier releases. See
    `indexing.building.nonsense`."""
    files: Mapping[str, FileEntry] = field(default_factory=dict)
    """Size and hash of each file but the manifest, by path relative to the folder."""
    ann_effort: int | None = None
    """The effort of a search that has this recall (`indexing.snapshot.recall`); None if the index is exact, and in
    versions of earlier releases."""
    engine: str = FILES_ENGINE
    """Where the vectors are searched: FILES_ENGINE, which no manifest names, or MILVUS."""
    fields: tuple[str, ...] = FIELDS_BEFORE
    """Fields of `experts.profiles.records.FIELDS` of which it has hashes, in order."""
    format: int = FORMAT

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(entry.bytes for entry in self.files.values())

    @property
    def created_at(self) -> datetime:
        """`created` as a time with its zone."""
        return datetime.fromisoformat(self.created)

    def to_bytes(self) -> Raw:
        """JSON with sorted keys: the same manifest always has the same hash."""
        data = asdict(self)
        if self.ann_effort is None:
            del data["ann_effort"]
        if self.engine == FILES_ENGINE:
            del data["engine"]
        return (json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()

    @classmethod
    def from_bytes(cls, raw: Raw) -> Manifest:
        """Read a manifest. Raises SnapshotInvalid if it is not one, has another format, or lacks a key."""
        data = _parsed(raw)
        created = _take(data, "created", str)
        try:
            datetime.fromisoformat(created)
        except ValueError:
            raise _wrong("created", created, "ISO 8601") from None
        kind = _take(data, "ann_kind", str)
        if kind not in (EXACT, HNSW, IVF):
            raise _wrong("ann_kind", kind, f"{EXACT} | {HNSW} | {IVF}")
        recall = _take(data, "ann_recall", (int, float, type(None)))
        if (recall is None) != (kind == EXACT):
            raise _wrong("ann_recall", recall, f"null <=> {EXACT}")
        effort = _count(data, "ann_effort") if "ann_effort" in data else None
        if effort is not None and (kind == EXACT or effort == 0):
            raise _wrong("ann_effort", effort, f"> 0, {HNSW} | {IVF}")
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
            ann_effort=effort,
            engine=_engine(data),
            passages=_count(data, "passages" if data["format"] >= WITH_PASSAGES else "count"),
            passage_rule=_count(data, "passage_rule") if data["format"] >= WITH_PASSAGES else 0,
            strong_similarity=_take(data, "strong_similarity", (int, float, type(None)))
            if data["format"] >= WITH_STRENGTH
            else None,
            fields=_names(data, "fields") if data["format"] >= WITH_FIELDS else FIELDS_BEFORE,
            files={name: _entry(name, entry) for name, entry in _take(data, "files", dict).items()},
            format=data["format"],
        )


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        data = json.loads(raw)
    except ValueError as error:
        raise SnapshotInvalid(
            message("%(file)s is not JSON: %(error)s. Rebuild the index.", file=MANIFEST_NAME, error=error)
        ) from error
    if not isinstance(data, dict):
        raise _wrong("manifest", data, "object")
    found = _take(data, "format", int)
    if found not in READABLE:
        raise SnapshotInvalid(
            message(
                "It was built by another release of TCS, in format %(found)s; this release reads format %(known)s. "
                "Rebuild the index, or run the release that built it.",
                found=found,
                known=FORMAT,
            ),
        )
    return data


def _entry(name: str, entry: object) -> FileEntry:
    # A path out of the folder would make the reader hash, and a sweep delete, files that are not the version's.
    if name.startswith("/") or ".." in name.split("/"):
        raise _wrong("files", name, "relative path")
    if not isinstance(entry, dict):
        raise _wrong(f"files.{name}", entry, "object")
    return FileEntry(bytes=_count(entry, "bytes"), sha256=_take(entry, "sha256", str))


def _engine(data: dict[str, Any]) -> str:
    engine: str = _take(data, "engine", str) if "engine" in data else FILES_ENGINE
    if engine not in (FILES_ENGINE, MILVUS):
        raise _wrong("engine", engine, f"{FILES_ENGINE} | {MILVUS}")
    return engine


def _count(data: dict[str, Any], key: str) -> int:
    value: int = _take(data, key, int)
    if value < 0:
        raise _wrong(key, value, ">= 0")
    return value


def _names(data: dict[str, Any], key: str) -> tuple[str, ...]:
    names = _take(data, key, list)
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise _wrong(key, names, "different names")
    return tuple(names)


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
