"""Builds a version from the directory, or assigns its tags again. Knows nothing of runs: `worker` does."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np

from experts import directory
from experts.profiles.hashes import HASH_BYTES, field_hashes
from experts.profiles.records import ExpertRecord
from experts.profiles.text import TEMPLATE_VERSION, has_text
from experts.tagging import storage
from indexing import encoders
from indexing.building import embedding, retag, verify
from indexing.building.embedding import Embedded
from indexing.building.reporting import Reporter, StageProgress
from indexing.encoders import Encoder, onnx_export
from indexing.errors import DiskFull, NothingToIndex, VerifyFailed
from indexing.lib import paths
from indexing.lib.messages import count_of_experts, message, plural_message
from indexing.lib.retrying import with_database_retry
from indexing.snapshot import keyword_index, vectors
from indexing.snapshot.facets import FacetColumns
from indexing.snapshot.keyword_schema import KeywordDocument
from indexing.snapshot.manifest import Manifest
from indexing.snapshot.profiles import Profiles
from indexing.snapshot.reader import Snapshot
from indexing.snapshot.suggestion_index import Suggestions
from indexing.snapshot.vectors import BuiltIndex
from indexing.snapshot.writer import (
    ANN,
    FACETS,
    FIELD_HASHES,
    IDS,
    KEYWORDS,
    SUGGESTIONS,
    TEXT_HASHES,
    VECTORS,
    VersionWriter,
    free_bytes,
)


@dataclass(frozen=True, slots=True)
class Order:
    """What to build. `number` is None for the kind "tags", which builds no version."""

    kind: Literal["full", "tags"]
    reembed: bool
    fence: int
    number: int | None
    previous: Path | None
    """The folder of the live version, whose vectors may be reused; None without one."""
    exact_up_to: int
    tag_threshold: float
    database: str = ""
    """The id of the database that orders it: what is written is marked with it."""


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
    with reporter.stage("snapshot") as progress:
        experts = with_database_retry(directory.read_active)
        if not experts and order.kind == "full":
            raise NothingToIndex
        progress.expect(len(experts))
        progress.advance(len(experts))
        progress.summarise(
            plural_message("Read %(count)d active expert", "Read %(count)d active experts", count=len(experts))
        )
    return _build_tags(order, experts, reporter) if order.kind == "tags" else _build_version(order, experts, reporter)


def _encoder(order: Order) -> Encoder:
    """The encoder, perhaps not loaded yet. Exports its model first, for web processes and this run to use."""
    encoder = encoders.configured()
    onnx_export.ensure(encoder, order.database)
    return encoder


def _build_tags(order: Order, experts: Sequence[ExpertRecord], reporter: Reporter) -> Built:
    with reporter.stage("embed") as progress:
        encoder = _encoder(order)
        hashes = embedding.text_hashes(experts, encoder.fingerprint)
        todo = retag.plan_tags(experts, hashes, encoder.fingerprint, order.tag_threshold)
        previous = embedding.previous_vectors(order.previous, encoder.fingerprint, reembed=order.reembed)
        embedded = embedding.embed(
            [experts[row] for row in todo.rows], [hashes[row] for row in todo.rows], encoder, previous, progress
        )
    with reporter.stage("tag") as progress:
        retag.retag(experts, todo, embedded.vectors, encoder, progress)
    return Built(len(experts), embedded.encoded, embedded.reused, None, None, "")


def _build_version(order: Order, experts: Sequence[ExpertRecord], reporter: Reporter) -> Built:
    if order.number is None:
        raise ValueError("a full order needs the number of its version")
    building = paths.building_folder(order.number, order.fence)
    with VersionWriter(building, paths.version_folder(order.number), order.number, order.database) as writer:
        with reporter.stage("embed") as progress:
            encoder = _encoder(order)
            hashes: Sequence[bytes] = embedding.text_hashes(experts, encoder.fingerprint)
            previous = embedding.previous_vectors(order.previous, encoder.fingerprint, reembed=order.reembed)
            embedded = embedding.embed(experts, hashes, encoder, previous, progress)
            read = {expert.id for expert in experts}
            experts, hashes, embedded = embedding.drop_unusable(experts, hashes, embedded)
            if not experts:
                raise VerifyFailed(message("The model gave no usable vector for any expert."))
        with reporter.stage("tag") as progress:
            todo = retag.plan_tags(experts, hashes, encoder.fingerprint, order.tag_threshold)
            retag.retag(experts, todo, embedded.vectors[todo.rows], encoder, progress)
        encoded, reused, dimension = embedded.encoded, embedded.reused, embedded.vectors.shape[1]
        with _raise_disk_full(writer, bytes_needed(experts, dimension)):
            with reporter.stage("vectors") as progress:
                _write_vectors(writer, experts, hashes, embedded)
                del embedded  # the index is built from the file: one copy less in memory
                index = _write_index(writer, order, progress)
            with reporter.stage("keywords") as progress:
                _write_keywords(writer, experts, progress)
            with reporter.stage("verify") as progress:
                manifest = _manifest(order, writer, encoder, len(experts), dimension, index)
                folder, sha256 = _finish(writer, manifest, experts, progress)
    return Built(
        len(experts),
        encoded,
        reused,
        manifest,
        folder,
        sha256,
        without_text=sum(not has_text(expert) for expert in experts),
        left_out=tuple(sorted(read.difference(expert.id for expert in experts))),
    )


def _write_vectors(
    writer: VersionWriter, experts: Sequence[ExpertRecord], hashes: Sequence[bytes], embedded: Embedded
) -> None:
    writer.save(IDS, np.array([expert.id for expert in experts], np.int64))
    writer.save(TEXT_HASHES, np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, HASH_BYTES))
    writer.save(FIELD_HASHES, field_hashes(experts))
    writer.save_profiles(Profiles.from_records(experts))
    writer.save(VECTORS, embedded.vectors)


def _write_index(writer: VersionWriter, order: Order, progress: StageProgress) -> BuiltIndex:
    mapped = np.load(writer.path(VECTORS), mmap_mode="r", allow_pickle=False)
    progress.expect(len(mapped))
    index = vectors.build_index(mapped, writer.path(ANN), exact_up_to=order.exact_up_to, advance=progress.advance)
    figures = {"experts": count_of_experts(len(mapped)), "dimension": mapped.shape[1]}
    if index.recall is None:
        progress.summarise(message("Exact search over %(experts)s in %(dimension)s dimensions", **figures))
    else:
        progress.summarise(
            message(
                "Approximate search over %(experts)s in %(dimension)s dimensions, recall@10 %(recall).3f",
                recall=index.recall,
                **figures,
            )
        )
    return index


def _write_keywords(writer: VersionWriter, experts: Sequence[ExpertRecord], progress: StageProgress) -> None:
    """Write facets, suggestions and the keyword index of the experts read at the start, with their tags as of now."""
    progress.expect(len(experts))
    facets = FacetColumns.from_records(experts, with_database_retry(storage.all_tag_ids))
    facets.save(writer.path(FACETS))
    names = with_database_retry(storage.all_tag_names)
    Suggestions.from_records(experts, names).save(writer.path(SUGGESTIONS))
    documents = (
        KeywordDocument(
            key=expert.id,
            name=expert.full_name,
            username=expert.username,
            job_title=expert.job_title,
            company=expert.company,
            bio=expert.bio,
            tags=names.get(expert.id, ()),
            labels=facets.labels_of_row(row),
            rate=facets.rate_of_row(row),
        )
        for row, expert in enumerate(experts)
    )
    keyword_index.build_index(documents, writer.path(KEYWORDS), advance=progress.advance)
    progress.summarise(message("Indexed the words of %(experts)s", experts=count_of_experts(len(experts))))


def _manifest(
    order: Order, writer: VersionWriter, encoder: Encoder, count: int, dimension: int, index: BuiltIndex
) -> Manifest:
    return Manifest(
        number=writer.number,
        fence=order.fence,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        model_name=encoder.name,
        fingerprint=encoder.fingerprint,
        dimension=dimension,
        count=count,
        template_version=TEMPLATE_VERSION,
        ann_kind=index.kind,
        ann_recall=index.recall,
        files=writer.seal(),
    )


def _finish(
    writer: VersionWriter, manifest: Manifest, experts: Sequence[ExpertRecord], progress: StageProgress
) -> tuple[Path, str]:
    """Put the version in its place and verify it there. Returns its folder and the hash of its manifest."""
    raw = manifest.to_bytes()
    folder, sha256 = writer.finish(raw), hashlib.sha256(raw).hexdigest()
    snapshot = Snapshot.open(folder, manifest_sha256=sha256)
    sample = {experts[row].id: experts[row].username for row in verify.sample_rows(len(experts))}
    progress.expect(len(sample))
    verify.check(snapshot, len(experts), sample, progress.advance)
    progress.summarise(
        message(
            "Verified %(files)d files with %(experts)s; found all %(sample)s of a sample",
            files=len(snapshot.manifest.files),
            experts=count_of_experts(len(snapshot)),
            sample=len(sample),
        )
    )
    return folder, sha256


def bytes_needed(experts: Sequence[ExpertRecord], dimension: int) -> int:
    """A generous estimate of a version's size: vectors twice, the links of an approximate index, texts, postings,
    and the stored profiles as if they were not compressed."""
    links = 2 * vectors.LINKS * 5
    letters = sum(len(expert.bio) + len(expert.job_title) + len(expert.company) for expert in experts)
    return len(experts) * (2 * 4 * dimension + links + 600) + 2 * letters + 1_000_000


@contextmanager
def _raise_disk_full(writer: VersionWriter, needed: int) -> Iterator[None]:
    """Raise DiskFull if fewer than `needed` bytes are free, or the disk turns out to be full while writing."""
    if free_bytes(writer.building) < needed:
        raise DiskFull(writer.building.parent, needed, free_bytes(writer.building))
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        # FAISS (RuntimeError) and tantivy (ValueError) keep only the text of the system's error.
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        if full or "No space left on device" in str(error):
            raise DiskFull(writer.building.parent, needed, free_bytes(writer.building)) from error
        raise
