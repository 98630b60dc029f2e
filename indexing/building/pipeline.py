"""Builds a version from the directory, or assigns its tags again. Knows nothing of runs: `worker` does."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experts import directory
from experts.profiles.record_file import RecordFile
from indexing import encoders
from indexing.building import embedding, nonsense, retag, shards, writing
from indexing.building.embedding import Embedded
from indexing.building.keywords import write_keywords
from indexing.building.layout import lay_out
from indexing.building.order import Order as Order
from indexing.building.profiles import previous_profiles, write_profiles
from indexing.building.reporting import Reporter, StageProgress
from indexing.building.text_file import TextFile
from indexing.building.writing import (
    finish,
    manifest_of,
    raise_disk_full,
    write_facets,
    write_index,
    write_nonsense,
    write_vectors,
)
from indexing.encoders import Encoder, onnx_export
from indexing.errors import NothingToIndex, VerifyFailed
from indexing.lib import paths
from indexing.lib.messages import message, plural_message
from indexing.lib.retrying import with_database_retry
from indexing.snapshot.manifest import Manifest
from indexing.snapshot.writer import VersionWriter

VERSION = "version"
"""The folder of a version that is built aside."""


@dataclass(frozen=True, slots=True)
class Built:
    """The result of a build. `encoded` + `reused` is how many experts needed a vector: all of them in a full run."""

    experts: int
    encoded: int
    reused: int
    manifest: Manifest | None
    folder: Path | None
    manifest_sha256: str
    without_text: int = 0
    """experts whose vector is made of their name only, because their profile has nothing else"""
    left_out: tuple[int, ...] = ()
    """ids of experts without a usable vector from the model"""

    @property
    def failed(self) -> int:
        return len(self.left_out)


def build(order: Order, reporter: Reporter) -> Built:
    """Carry out `order`. A full one leaves `versions/<number>/`, complete and verified, but not live.

    Raises the IndexingError family (NothingToIndex, EncoderUnavailable, VerifyFailed, DiskFull, VersionExists)
    and whatever `reporter` raises to stop it; then nothing of the new version is left on the disk.
    """
    with closing(_read(reporter)) as experts:
        if order.kind == "tags":
            return _build_tags(order, experts, reporter)
        if not experts:
            raise NothingToIndex
        return _build_version(order, experts, reporter)


def _read(reporter: Reporter) -> RecordFile:
    """The experts in a file: in memory, a million of them would take more than all the rest of a build."""
    with reporter.stage("snapshot") as progress:
        folder = paths.existing(paths.versions_folder())
        with raise_disk_full(folder, 0):
            experts = with_database_retry(lambda: RecordFile.of(directory.each_active(), folder))
        progress.expect(len(experts))
        progress.advance(len(experts))
        progress.summarise(
            plural_message("Read %(count)d active expert", "Read %(count)d active experts", count=len(experts))
        )
    return experts


def _encoder(order: Order) -> Encoder:
    """The encoder, perhaps not loaded yet. Exports its model first, for web processes and this run to use."""
    encoder = encoders.configured()
    onnx_export.ensure(encoder, order.database)
    return encoder


def _build_tags(order: Order, experts: RecordFile, reporter: Reporter) -> Built:
    with reporter.stage("embed") as progress:
        encoder = _encoder(order)
        previous = embedding.previous_vectors(order.previous, encoder.fingerprint, reembed=order.reembed)
        layout = lay_out(experts, encoder, previous, progress.advance)
        todo = retag.plan_tags(experts, layout.keys(), encoder.fingerprint, order.tag_threshold)
        embedded = embedding.embed(layout.of_rows(todo.rows.tolist()), encoder, previous, progress, order)
    with reporter.stage("tag") as progress:
        retag.retag(experts.ids, todo, embedded.vectors, np.arange(len(todo.rows)), encoder, progress)
    return Built(len(experts), embedded.encoded, embedded.reused, None, None, "")


def build_aside(encoder: Encoder, order: Order, folder: Path, reporter: Reporter) -> Path:
    """Build a version of the directory with another model inside `folder`, and return the version's own folder.

    Tags stay as they are, and nothing is written elsewhere. `order` is a full one with a number. Raises as `build`.
    """
    with closing(_read(reporter)) as experts:
        if not experts:
            raise NothingToIndex
        _build_version(order, experts, reporter, encoder, folder)
    return folder / VERSION


def _writer(order: Order, aside: Path | None) -> VersionWriter:
    if order.number is None:
        raise ValueError("a full order needs the number of its version")
    building = aside / "building" if aside else paths.building_folder(order.number, order.fence)
    target = aside / VERSION if aside else paths.version_folder(order.number)
    return VersionWriter(building, target, order.number, order.database)


def _embedded(
    order: Order, experts: RecordFile, encoder: Encoder, writer: VersionWriter, progress: StageProgress
) -> tuple[RecordFile, Embedded, NDArray[np.float32]]:
    """The experts with a usable vector from the model, their vectors, and those of nonsense (see `nonsense`).

    Raises DiskFull before anything is encoded, and VerifyFailed if there are no such experts.
    """
    previous = embedding.previous_vectors(order.previous, encoder.fingerprint, reembed=order.reembed)
    room = writer.building.parent
    with raise_disk_full(room, 0):
        layout = lay_out(experts, encoder, previous, progress.advance, TextFile(writer.building))
    dimension = previous.manifest.dimension if previous else encoder.dimension
    needed = writing.bytes_needed(layout, dimension)
    with raise_disk_full(room, needed + shards.bytes_needed(len(layout.texts), dimension)):
        embedded = embedding.embed(layout, encoder, previous, progress, order, writer.allocate_vectors)
        layout.texts = {}  # encoded: nobody needs them any more
        usable, embedded = embedding.drop_unusable(experts, embedded)
    if not usable:
        raise VerifyFailed(message("The model gave no usable vector for any expert."))
    return usable, embedded, nonsense.vectors(encoder, previous, order.previous)


def _build_version(
    order: Order,
    experts: RecordFile,
    reporter: Reporter,
    other: Encoder | None = None,
    aside: Path | None = None,
) -> Built:
    with _writer(order, aside) as writer:
        with reporter.stage("embed") as progress:
            encoder = other or _encoder(order)
            read = experts.ids
            experts, embedded, meaningless = _embedded(order, experts, encoder, writer, progress)
        layout = embedded.layout
        if aside is None:
            _assign_tags(order, experts, embedded, encoder, reporter)
        encoded, reused = embedded.encoded, embedded.reused
        dimension = embedded.matrix.shape[1]
        with raise_disk_full(writer.building.parent, writing.bytes_needed(layout, dimension)):
            with reporter.stage("vectors") as progress:
                write_vectors(writer, experts, embedded)
                write_profiles(writer, experts, previous_profiles(order.previous, reembed=order.reembed))
                del embedded  # the index is built from the file: one copy less in memory
                facets = write_facets(writer, experts)
                quality = write_index(writer, order, layout, facets, progress)
                strong = write_nonsense(writer, layout, meaningless)
            with reporter.stage("keywords") as progress:
                write_keywords(writer, order, experts, facets, layout.passages, progress)
            with reporter.stage("verify") as progress:
                manifest = manifest_of(order, writer, encoder, layout, dimension, quality, strong)
                folder, sha256 = finish(writer, order, manifest, experts, progress)
    return Built(
        len(experts),
        encoded,
        reused,
        manifest,
        folder,
        sha256,
        without_text=sum(layout.bare),
        left_out=tuple(np.setdiff1d(read, experts.ids).tolist()),
    )


def _assign_tags(order: Order, experts: RecordFile, embedded: Embedded, encoder: Encoder, reporter: Reporter) -> None:
    with reporter.stage("tag") as progress:
        todo = retag.plan_tags(experts, embedded.layout.keys(), encoder.fingerprint, order.tag_threshold)
        retag.retag(experts.ids, todo, embedded.vectors, todo.rows, encoder, progress)
