"""Maps without a worker, put where it puts them, and their bytes read back as the browser reads them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from experts.models import Expert
from indexing import paths
from indexing.models import IndexState, IndexVersion
from tests import cast

HEAD = 16


def draw(number: int, count: int) -> np.ndarray:
    """A finished map of `count` experts for version `number`; float32[count, 2]."""
    positions = np.random.default_rng(number).normal(size=(count, 2)).astype(np.float32)
    paths.map_file(number).parent.mkdir(parents=True, exist_ok=True)
    np.save(paths.map_file(number), positions)
    IndexVersion.objects.filter(pk=number).update(map_state=IndexVersion.MapState.DONE)
    return positions


def mapped(count: int = 8) -> int:
    """A live version of `count` new experts, with a map; its number. Of its files it has what a map is read from."""
    cast.experts(count)
    return mapped_again()


def mapped_again() -> int:
    """The directory as it is now, as the next live version, with a map."""
    ids = np.array(Expert.objects.active().order_by("pk").values_list("pk", flat=True), np.int64)
    last = IndexVersion.objects.order_by("-number").first()
    number = last.number + 1 if last else 1
    IndexVersion.objects.filter(state=IndexVersion.State.LIVE).update(state=IndexVersion.State.RETIRED)
    version = IndexVersion.objects.create(number=number, state=IndexVersion.State.LIVE, expert_count=len(ids))
    IndexState.objects.update(live_version=version)
    paths.version_folder(number).mkdir(parents=True)
    np.save(paths.version_folder(number) / "ids.npy", ids)
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
