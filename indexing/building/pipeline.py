"""Builds a version from the directory, or assigns its tags again. Knows nothing of runs: `worker` does."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from experts import directory
from experts.profiles.hashes import HASH_BYTES, field_hashes
from experts.profiles.passages import RULE
from experts.profiles.records import ExpertRecord
from experts.profiles.text import TEMPLATE_VERSION, has_text
from experts.tagging import storage
from indexing import encoders
from indexing.building import disk_space, embedding, retag, verify
from indexing.building.embedding import Embedded
from indexing.building.layout import Layout, lay_out
from indexing.building.nonsense import nonsense_vectors, strong_similarity
from indexing.building.reporting import Reporter, StageProgress
from indexing.encoders import Encoder, onnx_export
from indexing.errors import NothingToIndex, VerifyFailed
from indexing.lib import paths
from indexing.lib.messages import count_of_experts, count_of_passages, message, plural_message
from indexing.lib.retrying import with_database_retry
from indexing.snapshot import keyword_index, vectors
from indexing.snapshot.facets import FacetColumns
from indexing.snapshot.feedback_terms import FeedbackTerms
from indexing.snapshot.keyword_schema import KeywordDocument
from indexing.snapshot.manifest import EXACT, HNSW, Manifest
from indexing.snapshot.meaning_index import MeaningIndex
from indexing.snapshot.profiles import Profiles
from indexing.snapshot.reader import Snapshot
from indexing.snapshot.suggestion_index import Suggestions
from indexing.snapshot.writer import (
    ANN,
    FACETS,
    FEEDBACK,
    FEEDBACK_WORDS,
    FIELD_HASHES,
    IDS,
    KEYWORDS,
    NONSENSE,
    PASSAGE_HASHES,
    PASSAGES,
    SUGGESTIONS,
    TEXT_HASHES,
    VECTORS,
    VersionWriter,
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
        previous = embedding.previous_vectors(order.previous, encoder.fingerprint, reembed=order.reembed)
        layout = lay_out(experts, encoder, previous, progress.advance)
        todo = retag.plan_tags(experts, layout.keys(), encoder.fingerprint, order.tag_threshold)
        embedded = embedding.embed(layout.of_rows(todo.rows.tolist()), encoder, previous, progress)
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
            previous = embedding.previous_vectors(order.previous, encoder.fingerprint, reembed=order.reembed)
            layout = lay_out(experts, encoder, previous, progress.advance)
            embedded = embedding.embed(layout, encoder, previous, progress)
            nonsense = nonsense_vectors(encoder, previous, order.previous)
            read = {expert.id for expert in experts}
            experts, embedded = embedding.drop_unusable(experts, embedded)
            if not experts:
                raise VerifyFailed(message("The model gave no usable vector for any expert."))
        with reporter.stage("tag") as progress:
            layout = embedded.layout
            todo = retag.plan_tags(experts, layout.keys(), encoder.fingerprint, order.tag_threshold)
            retag.retag(experts, todo, embedded.vectors[todo.rows], encoder, progress)
        encoded, reused = embedded.encoded, embedded.reused
        rows, dimension = embedded.matrix.shape
        with disk_space.raise_disk_full(writer, disk_space.bytes_needed(experts, rows, dimension)):
            with reporter.stage("vectors") as progress:
                _write_vectors(writer, experts, embedded)
                del embedded  # the index is built from the file: one copy less in memory
                recall = _write_index(writer, order, layout.text_count, progress)
                strong = _write_nonsense(writer, layout, nonsense)
            with reporter.stage("keywords") as progress:
                _write_keywords(writer, experts, progress)
            with reporter.stage("verify") as progress:
                manifest = _manifest(order, writer, encoder, layout, dimension, recall, strong)
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


def _write_vectors(writer: VersionWriter, experts: Sequence[ExpertRecord], embedded: Embedded) -> None:
    layout = embedded.layout
    writer.save(IDS, np.array([expert.id for expert in experts], np.int64))
    writer.save(TEXT_HASHES, _as_array(layout.hashes))
    writer.save(PASSAGES, layout.passages.table)
    writer.save(PASSAGE_HASHES, _as_array(layout.passage_hashes))
    writer.save(FIELD_HASHES, field_hashes(experts))
    writer.save_profiles(Profiles.from_records(experts))
    writer.save(VECTORS, embedded.matrix)


def _as_array(hashes: Sequence[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, HASH_BYTES)


def _write_index(writer: VersionWriter, order: Order, passages: int, progress: StageProgress) -> float | None:
    """Write an index over the vectors if there are many. Returns its recall@10; None if there is none."""
    mapped = np.load(writer.path(VECTORS), mmap_mode="r", allow_pickle=False)
    progress.expect(len(mapped))
    figures = {"passages": count_of_passages(passages), "dimension": mapped.shape[1]}
    if passages <= order.exact_up_to:
        progress.advance(len(mapped))
        progress.summarise(message("Exact search over %(passages)s in %(dimension)s dimensions", **figures))
        return None
    recall = vectors.build_index(mapped, writer.path(ANN), advance=progress.advance)
    progress.summarise(
        message(
            "Approximate search over %(passages)s in %(dimension)s dimensions, recall@10 %(recall).3f",
            recall=recall,
            **figures,
        )
    )
    return recall


def _write_nonsense(writer: VersionWriter, layout: Layout, nonsense: NDArray[np.float32]) -> float:
    """Write the vectors of queries that mean nothing. Returns the similarity from which a match is strong."""
    writer.save(NONSENSE, nonsense)
    matrix = np.load(writer.path(VECTORS), mmap_mode="r", allow_pickle=False)
    return strong_similarity(MeaningIndex(matrix, len(layout), layout.passages, None), nonsense)


def _write_keywords(writer: VersionWriter, experts: Sequence[ExpertRecord], progress: StageProgress) -> None:
    """Write facets, suggestions and the keyword index of the experts read at the start, with their tags as of now."""
    progress.expect(len(experts))
    facets = FacetColumns.from_records(experts, with_database_retry(storage.all_tag_ids))
    facets.save(writer.path(FACETS))
    names = with_database_retry(storage.all_tag_names)
    Suggestions.from_records(experts, names).save(writer.path(SUGGESTIONS))
    FeedbackTerms.from_records(experts).save(writer.path(FEEDBACK), writer.path(FEEDBACK_WORDS))
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
    order: Order,
    writer: VersionWriter,
    encoder: Encoder,
    layout: Layout,
    dimension: int,
    recall: float | None,
    strong: float,
) -> Manifest:
    return Manifest(
        number=writer.number,
        fence=order.fence,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        model_name=encoder.name,
        fingerprint=encoder.fingerprint,
        dimension=dimension,
        count=len(layout),
        template_version=TEMPLATE_VERSION,
        ann_kind=EXACT if recall is None else HNSW,
        ann_recall=recall,
        passages=layout.text_count,
        passage_rule=RULE,
        strong_similarity=strong,
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
