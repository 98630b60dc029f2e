"""Maps without a worker, put where it puts them, and their bytes read back as the browser reads them."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

import numpy as np

from experts.models import Expert
from indexing.lib import paths
from indexing.lib.files import file_sha256
from indexing.models import IndexState, IndexVersion
from indexing.snapshot.manifest import EXACT, MANIFEST_NAME, FileEntry, Manifest
from tests.support import cast

HEAD = 16


def draw(number: int, count: int) -> np.ndarray:
    """A finished map of `count` experts for version `number`; float32[count, 2]."""
    positions = np.random.default_rng(number).normal(size=(count, 2)).astype(np.float32)
    put(number, positions)
    return positions


def put(number: int, positions: np.ndarray) -> None:
    paths.map_file(number).parent.mkdir(parents=True, exist_ok=True)
    np.save(paths.map_file(number), positions)
    IndexVersion.objects.filter(pk=number).update(map_state=IndexVersion.MapState.DONE)


def mapped(count: int = 8) -> int:
    """A live version of `count` new experts, with a map; its number. Of its files it has what a map is read from."""
    cast.experts(count)
    return mapped_again()


def mapped_again() -> int:
    """The directory as it is now, as the next live version, with a map."""
    ids = np.array(Expert.objects.active().order_by("pk").values_list("pk", flat=True), np.int64)
    last = IndexVersion.objects.order_by("-number").first()
    number = last.number + 1 if last else 1
    IndexVersion.objects.filter(state=IndexVersion.State.LIVE).update(state=IndexVersion.State.KEPT)
    folder = paths.version_folder(number)
    folder.mkdir(parents=True)
    np.save(folder / "ids.npy", ids)
    entry = FileEntry((folder / "ids.npy").stat().st_size, file_sha256(folder / "ids.npy"))
    manifest = Manifest(
        number=number,
        fence=1,
        created="2026-01-01T00:00:00+00:00",
        model_name="",
        fingerprint="",
        dimension=1,
        count=len(ids),
        template_version=1,
        ann_kind=EXACT,
        ann_recall=None,
        passages=0,
        passage_rule=0,
        files={"ids.npy": entry},
    ).to_bytes()
    (folder / MANIFEST_NAME).write_bytes(manifest)
    version = IndexVersion.objects.create(
        number=number,
        state=IndexVersion.State.LIVE,
        expert_count=len(ids),
        manifest_sha256=hashlib.sha256(manifest).hexdigest(),
    )
    IndexState.objects.update(live_version=version)
    draw(number, len(ids))
    return number


@dataclass(frozen=True)
class Points:
    version: int
    positions: np.ndarray
    ids: list[int]


def points(content: bytes) -> Points:
    magic, form, count, version = struct.unpack_from("<4sIII", content)
    assert (magic, form) == (b"TCSP", 1)
    positions = np.frombuffer(content, "<f4", 2 * count, HEAD).reshape(count, 2)
    ids = np.frombuffer(content, "<u4", count, HEAD + 8 * count)
    assert len(content) == HEAD + 12 * count
    return Points(version, positions, ids.tolist())


def classes(content: bytes) -> list[int]:
    magic, form, count, _version = struct.unpack_from("<4sIII", content)
    assert (magic, form) == (b"TCSC", 1)
    assert len(content) == HEAD + count
    return np.frombuffer(content, np.uint8, count, HEAD).tolist()
