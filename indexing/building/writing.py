"""Writes what was embedded as a version: vectors, keywords and whatever else a search needs."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experts.profiles.hashes import HASH_BYTES
from experts.profiles.passages import RULE
from experts.profiles.record_file import RecordFile
from experts.profiles.records import FIELDS, ExpertRecord
from experts.profiles.text import TEMPLATE_VERSION
from experts.tagging import storage
from indexing.building import nonsense, verify
from indexing.building.embedding import Embedded
from indexing.building.layout import Layout
from indexing.building.order import Order
from indexing.building.reporting import StageProgress
from indexing.encoders import Encoder
from indexing.errors import DiskFull
from indexing.lib.messages import count_of_experts, count_of_passages, message
from indexing.lib.retrying import with_database_retry
from indexing.snapshot import vectors
from indexing.snapshot.engine import VersionVectors
from indexing.snapshot.facets import FacetColumns
from indexing.snapshot.files_engine import MappedVectors
from indexing.snapshot.manifest import EXACT, Manifest
from indexing.snapshot.meaning_index import MeaningIndex
from indexing.snapshot.reader import Snapshot
from indexing.snapshot.recall import Quality, least_effort
from indexing.snapshot.writer import (
    FACETS,
    IDS,
    NONSENSE,
    PASSAGE_HASHES,
    PASSAGES,
    TEXT_HASHES,
    VECTORS,
    VersionWriter,
    free_bytes,
)


def write_vectors(writer: VersionWriter, experts: RecordFile, embedded: Embedded) -> None:
    layout = embedded.layout
    writer.save(IDS, experts.ids)
    writer.save(TEXT_HASHES, _as_array(layout.hashes))
    writer.save(PASSAGES, layout.passages.table)
    writer.save(PASSAGE_HASHES, _as_array(layout.passage_hashes))
    if isinstance(embedded.matrix, np.memmap):
        embedded.matrix.flush()
    else:  # without the unusable ones
        writer.path(VECTORS).unlink()
        writer.save(VECTORS, embedded.matrix)


def _as_array(hashes: Sequence[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, HASH_BYTES)


def write_facets(writer: VersionWriter, experts: Sequence[ExpertRecord]) -> FacetColumns:
    """Write what experts are filtered and counted by, with their tags as of now; and return it."""
    facets = FacetColumns.from_records(experts, with_database_retry(storage.all_tag_ids))
    facets.save(writer.path(FACETS))
    return facets


def write_index(
    writer: VersionWriter, order: Order, layout: Layout, facets: FacetColumns, progress: StageProgress
) -> Quality | None:
    """Have the engine index the vectors, approximately if they are many. Returns how well that finds; None if every
    vector is compared, also where no effort is enough for the recall that was ordered.
    """
    mapped = np.load(writer.path(VECTORS), mmap_mode="r", allow_pickle=False)
    passages = layout.text_count
    figures = {"passages": count_of_passages(passages), "dimension": mapped.shape[1]}
    ids = np.load(writer.path(IDS), allow_pickle=False)
    of = VersionVectors(
        writer.building, writer.number, order.fence, order.database, ids, mapped, layout.passages, facets
    )
    progress.expect(len(mapped))
    index = order.engine.build(of, approximate=passages > order.exact_up_to, advance=progress.advance)
    if passages <= order.exact_up_to:
        progress.summarise(message("Exact search over %(passages)s in %(dimension)s dimensions", **figures))
        return None
    found = least_effort(index, mapped, order.recall, layout.passages.texts(index.count, len(layout)))
    figures |= {"recall": found.recall, "effort": found.effort}
    if found.recall < order.recall:
        order.engine.drop(of)
        order.engine.build(of, approximate=False)
        progress.summarise(
            message(
                "Exact search over %(passages)s in %(dimension)s dimensions: an approximate one has recall@10 "
                "%(recall).3f with effort %(effort)d, and %(wanted).3f is needed",
                wanted=order.recall,
                **figures,
            )
        )
        return None
    progress.summarise(
        message(
            "Approximate search over %(passages)s in %(dimension)s dimensions, recall@10 %(recall).3f with effort "
            "%(effort)d",
            **figures,
        )
    )
    return found


def write_nonsense(writer: VersionWriter, layout: Layout, meaningless: NDArray[np.float32]) -> float:
    """Write the vectors, float32[c, d], of queries that mean nothing. Returns the similarity from which a match is
    strong."""
    writer.save(NONSENSE, meaningless)
    matrix = np.load(writer.path(VECTORS), mmap_mode="r", allow_pickle=False)
    mapped = MappedVectors(matrix, layout.passages, None)
    return nonsense.strong_similarity(MeaningIndex(mapped, len(layout), layout.passages), meaningless)


def manifest_of(
    order: Order,
    writer: VersionWriter,
    encoder: Encoder,
    layout: Layout,
    dimension: int,
    quality: Quality | None,
    strong: float,
) -> Manifest:
    return Manifest(
        number=writer.number,
        fence=order.fence,
        engine=order.engine.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        model_name=encoder.name,
        fingerprint=encoder.fingerprint,
        dimension=dimension,
        count=len(layout),
        template_version=TEMPLATE_VERSION,
        ann_kind=quality.kind if quality else EXACT,
        ann_recall=quality.recall if quality else None,
        ann_effort=quality.effort if quality else None,
        passages=layout.text_count,
        passage_rule=RULE,
        strong_similarity=strong,
        fields=tuple(FIELDS),
        files=writer.seal(),
    )


def finish(
    writer: VersionWriter,
    order: Order,
    manifest: Manifest,
    experts: RecordFile,
    progress: StageProgress,
) -> tuple[Path, str]:
    """Put the version in its place and verify it there. Returns its folder and the hash of its manifest."""
    raw = manifest.to_bytes()
    folder, sha256 = writer.finish(raw), hashlib.sha256(raw).hexdigest()
    snapshot = Snapshot.open(folder, manifest_sha256=sha256, engines={order.engine.name: order.engine})
    snapshot.meaning.index.require_ready()
    sample = {experts[row].id: experts[row].username for row in verify.sample_rows(len(experts))}
    progress.expect(len(sample))
    recall = verify.check(snapshot, len(experts), sample, progress.advance)
    figures = {
        "files": len(snapshot.manifest.files),
        "experts": count_of_experts(len(snapshot)),
        "sample": len(sample),
    }
    if recall is None:
        said = message("Verified %(files)d files with %(experts)s; found all %(sample)s of a sample", **figures)
    else:
        said = message(
            "Verified %(files)d files with %(experts)s; of a sample of %(sample)s, found all by username, and "
            "%(recall).1f %% of the ten nearest",
            recall=recall * 100,
            **figures,
        )
    progress.summarise(said)
    return folder, sha256


def bytes_needed(layout: Layout, dimension: int) -> int:
    """A generous estimate of a version's size: the vectors twice, the links of an approximate index, texts, postings,
    and the stored profiles as if they were not compressed."""
    links = 2 * vectors.LINKS * 5
    rows = len(layout) + len(layout.owners)
    return rows * (2 * 4 * dimension + links) + len(layout) * 600 + 2 * layout.characters + 1_000_000


@contextmanager
def raise_disk_full(folder: Path, needed: int) -> Iterator[None]:
    """Raises DiskFull if fewer than `needed` bytes are free on the disk of `folder`, or it turns out to be full while
    writing."""
    if free_bytes(folder) < needed:
        raise DiskFull(folder, needed, free_bytes(folder))
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        # FAISS (RuntimeError) and tantivy (ValueError) keep only the text of the system's error.
        # NumPy says how many numbers it could write.
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        if full or "No space left on device" in str(error) or " requested and " in str(error):
            raise DiskFull(folder, needed, free_bytes(folder)) from error
        raise
