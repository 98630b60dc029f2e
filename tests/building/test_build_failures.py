"""What a build refuses, and what it leaves when it is cancelled or fails."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings as django_settings

from experts.models import Expert
from indexing import encoders
from indexing.building import pipeline, verify, writing
from indexing.building.pipeline import build
from indexing.encoders.protocol import Role
from indexing.errors import Cancelled, DiskFull, EncoderUnavailable, VerifyFailed
from indexing.lib import paths
from indexing.snapshot import files_engine, keyword_index, vectors
from indexing.snapshot.keyword_schema import KeywordDocument
from indexing.snapshot.reader import Snapshot
from indexing.snapshot.writer import VECTORS, VersionWriter
from tests.support import cast
from tests.support.fakes import HashEncoder
from tests.support.index_cast import (
    ALL_STAGES,
    FULL,
    RecordedStage,
    RecordingReporter,
    built,
    built_snapshot,
    left_over,
    next_order,
)

pytestmark = pytest.mark.django_db


def at(stage_name: str, error: Callable[[], Exception]) -> Callable[[RecordedStage], None]:
    def stop(stage: RecordedStage) -> None:
        if stage.name == stage_name:
            raise error()

    return stop


@pytest.mark.parametrize("stage", ALL_STAGES)
def test_cancelling_in_any_stage_leaves_nothing(stage):
    cast.experts(10)
    with pytest.raises(Cancelled):
        build(FULL, RecordingReporter(stop=at(stage, Cancelled)))
    assert left_over() == []


def test_cancelling_leaves_the_earlier_version_intact():
    cast.experts(10)
    made = built()
    with pytest.raises(Cancelled):
        build(next_order(reembed=True), RecordingReporter(stop=at("verify", Cancelled)))
    assert left_over() == ["000001"]
    Snapshot.open(made.folder, manifest_sha256=made.manifest_sha256)


def test_encoding_stops_at_the_next_batch(encoder):
    cast.experts(30)
    with pytest.raises(Cancelled):
        build(FULL, RecordingReporter(stop=at("embed", Cancelled)))
    assert len(encoder.encoded) == 8


def test_leftovers_of_a_crash_of_the_same_claim_are_deleted():
    cast.experts(3)
    stale = paths.building_folder(1, 1) / "keywords"
    stale.mkdir(parents=True)
    (stale / "old.idx").write_bytes(b"old")
    made = built()
    assert left_over() == ["000001"]
    assert "keywords/old.idx" not in made.manifest.files


def test_an_expert_that_is_deleted_during_the_build_stays_in_the_version():
    people = cast.experts(5)

    def stop(stage: RecordedStage) -> None:
        if stage.name == "embed":
            Expert.objects.filter(pk=people[2].pk).delete()

    made = build(FULL, RecordingReporter(stop=stop))
    assert Snapshot.open(made.folder).ids.tolist() == [expert.pk for expert in people]


def test_an_unavailable_encoder_fails_the_build(settings):
    cast.experts(2)
    settings.TCS_ENCODER = "tests.support.fakes.Nobody"
    encoders.reset()
    with pytest.raises(EncoderUnavailable):
        build(FULL, RecordingReporter())
    assert left_over() == []


SPOILT_BY = pytest.mark.parametrize("factor", [np.nan, np.inf, 0.5])


@pytest.fixture
def spoilt(factor, monkeypatch) -> None:
    """The model gives the first text no vector of unit length."""
    encode = HashEncoder.encode

    def spoil(self: HashEncoder, texts: list[str], *role: Role, **options: object) -> np.ndarray:
        vectors = encode(self, texts, *role, **options)
        if texts[0].startswith(cast.PROFESSIONS[1][0]):
            vectors[0] *= factor
        return vectors

    monkeypatch.setattr(HashEncoder, "encode", spoil)


@SPOILT_BY
def test_an_expert_without_a_usable_vector_is_left_out_and_counted(spoilt, caplog):
    people = cast.experts(10)
    made = built()
    assert (made.experts, made.failed) == (9, 1)
    assert people[0].pk not in Snapshot.open(made.folder).ids
    assert people[0].username in caplog.text


@SPOILT_BY
def test_unusable_vectors_in_the_files_fail_the_build(factor, monkeypatch):
    cast.experts(10)
    write = pipeline.write_vectors

    def spoil(writer: VersionWriter, *what: object) -> None:
        write(writer, *what)
        np.load(writer.path(VECTORS), mmap_mode="r+")[0] *= factor

    monkeypatch.setattr(pipeline, "write_vectors", spoil)
    with pytest.raises(VerifyFailed, match="Of 10 vectors, 1"):
        build(FULL, RecordingReporter())
    assert left_over() == []


@pytest.mark.parametrize("kind", ["build_index", "build_lists"])
def test_vectors_in_the_wrong_order_fail_the_build(monkeypatch, tmp_path, kind):
    """The index over other rows than the file: each expert then finds somebody else."""
    monkeypatch.setattr(vectors, "GRAPH_UP_TO", 50 if kind == "build_lists" else 100)
    cast.experts(300 if kind == "build_lists" else 60)
    real = getattr(files_engine, kind)

    def shifted(array: np.ndarray, target: Path, **options: object) -> object:
        real(np.roll(array, 1, axis=0), target)
        return real(array, tmp_path / "right", **options)

    monkeypatch.setattr(files_engine, kind, shifted)
    with pytest.raises(VerifyFailed, match=r"The vector index finds only \d+\.\d % of the ten nearest"):
        build(replace(FULL, exact_up_to=5), RecordingReporter())
    assert left_over() == []


def test_keywords_of_another_expert_fail_the_build(monkeypatch):
    cast.experts(10)
    real = keyword_index.build_index

    def swapped(documents: Iterator[KeywordDocument], *args: object, **options: object) -> None:
        everybody = list(documents)
        keys = [document.key for document in everybody]
        pairs = zip(everybody, keys[1:] + keys[:1], strict=True)
        real((document._replace(key=key) for document, key in pairs), *args, **options)

    monkeypatch.setattr(keyword_index, "build_index", swapped)
    with pytest.raises(VerifyFailed, match="their username: expert-001"):
        build(FULL, RecordingReporter())
    assert left_over() == []


def test_a_version_with_other_experts_than_the_directory_fails():
    cast.experts(5)
    with pytest.raises(VerifyFailed, match="holds 5 experts, but the directory had 6"):
        verify.check(built_snapshot(), 6, {}, lambda count: None)


def test_at_most_200_experts_are_sampled_evenly():
    assert verify.sample_rows(0) == []
    assert verify.sample_rows(3) == [0, 1, 2]
    rows = verify.sample_rows(10_000)
    assert (len(rows), rows[0], rows[-1]) == (200, 0, 9_999)


def test_too_little_disk_space_is_reported_before_anything_is_written(monkeypatch):
    cast.experts(3)
    monkeypatch.setattr(writing, "free_bytes", lambda folder: 1_000)
    with pytest.raises(DiskFull, match=r"Disk full: about 2 MB needed .* 0 MB free"):
        build(FULL, RecordingReporter())
    assert left_over() == []


@pytest.fixture
def small_disk(tmp_path: Path, settings: django_settings) -> Iterator[Path]:
    """A data folder on a disk of its own with 4 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can only be mounted by root")
    settings.DATA_DIR = folder
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(ballast: Path) -> None:
    """Write to `ballast` until its disk is full."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise


@pytest.mark.parametrize("stage", ["embed", "vectors", "keywords"])
def test_a_disk_that_fills_up_while_writing_is_reported(small_disk, stage, monkeypatch):
    """Filled before the arrays, before the index (FAISS) or before the keywords (tantivy) are written."""
    cast.experts(200)
    monkeypatch.setattr(writing, "bytes_needed", lambda layout, dimension: 0)
    ballast = small_disk / "ballast"

    def stop(reported: RecordedStage) -> None:
        if reported.name == stage and not ballast.exists():
            fill(ballast)

    with pytest.raises(DiskFull, match="Disk full"):
        build(FULL, RecordingReporter(stop=stop))
    assert left_over() == []
