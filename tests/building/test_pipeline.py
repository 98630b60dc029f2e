"""What a build leaves behind, what it does not do again, and what it refuses."""

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

from experts.models import Expert, ExpertTag, Tag
from indexing import encoders
from indexing.building import pipeline, reuse, verify
from indexing.building.pipeline import Order, build
from indexing.errors import Cancelled, DiskFull, EncoderUnavailable, NothingToIndex, VerifyFailed, VersionExists
from indexing.lib import paths
from indexing.snapshot.keyword_schema import KeywordDocument
from indexing.snapshot.reader import Snapshot
from indexing.snapshot.writer import VECTORS, VersionWriter
from tests.support import cast, damage
from tests.support.fakes import HashEncoder
from tests.support.index_cast import FULL, TAGS, RecordedStage, RecordingReporter, built, built_snapshot

pytestmark = pytest.mark.django_db
ALL_STAGES = ["snapshot", "embed", "tag", "vectors", "keywords", "verify"]


@pytest.fixture(autouse=True)
def encoder() -> Iterator[HashEncoder]:
    """The process's encoder, which remembers what it was asked to encode."""
    encoders.reset()
    yield encoders.loaded()
    encoders.reset()


def left_over() -> list[str]:
    folder = paths.versions_folder()
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def next_order(number: int = 2, **changes: object) -> Order:
    return replace(FULL, number=number, fence=number, previous=paths.version_folder(number - 1), **changes)


# --- A full build -------------------------------------------------------------------------------------------
def test_it_leaves_a_whole_version_of_the_active_experts():
    hidden, *shown = cast.experts(9)
    Expert.objects.filter(pk=hidden.pk).update(is_active=False)
    reporter = RecordingReporter()
    made = build(FULL, reporter)
    assert (made.experts, made.encoded, made.reused) == (8, 8, 0)
    assert left_over() == ["000001"]
    snapshot = Snapshot.open(made.folder, manifest_sha256=made.manifest_sha256)
    assert snapshot.ids.tolist() == [expert.pk for expert in shown]
    assert snapshot.manifest == made.manifest
    assert (made.manifest.number, made.manifest.fence, made.manifest.count) == (1, 1, 8)
    assert (made.manifest.ann_kind, made.manifest.ann_recall) == ("exact", None)
    assert made.manifest.fingerprint == HashEncoder.fingerprint
    assert made.manifest.bytes == sum(
        path.stat().st_size
        for path in made.folder.rglob("*")
        if path.is_file() and path.name != "manifest.json" and path.suffix != ".lock"
    )


def test_each_stage_reports_done_of_total_and_a_sentence():
    cast.experts(10)
    reporter = RecordingReporter()
    build(FULL, reporter)
    assert [stage.name for stage in reporter.stages] == ALL_STAGES
    assert [(stage.done, stage.total) for stage in reporter.stages] == [(10, 10)] * 6
    assert all(stage.sentence for stage in reporter.stages)
    assert "10" in str(reporter["snapshot"].sentence)


def test_without_active_experts_it_is_refused():
    with pytest.raises(NothingToIndex):
        build(FULL, RecordingReporter())
    assert left_over() == []


def test_beyond_the_limit_the_index_is_approximate_and_says_how_good():
    cast.experts(40)
    snapshot = built_snapshot(replace(FULL, exact_up_to=39))
    assert snapshot.manifest.ann_kind == "hnsw"
    assert 0.9 <= snapshot.manifest.ann_recall <= 1


def test_a_version_that_exists_is_not_touched():
    cast.experts(3)
    built()
    before = (paths.version_folder(1) / "manifest.json").read_bytes()
    with pytest.raises(VersionExists):
        build(replace(FULL, fence=2), RecordingReporter())
    assert left_over() == ["000001"]
    assert (paths.version_folder(1) / "manifest.json").read_bytes() == before


def test_tags_of_both_kinds_can_be_found_by_words():
    erin, *_ = cast.experts(3)
    tag = Tag.objects.create(name="Zymurgy", kind=Tag.Kind.DOMAIN, description="Brewing.", is_active=False)
    ExpertTag.objects.create(expert=erin, tag=tag, source=ExpertTag.Source.MANUAL)
    snapshot = built_snapshot(replace(FULL, tag_threshold=-1.0))
    assert snapshot.keyword("zymurgy", 5)[0].tolist() == [erin.pk]
    automatic = ExpertTag.objects.filter(source=ExpertTag.Source.AUTO).first()
    assert automatic.expert_id in snapshot.keyword(automatic.tag.name, 5)[0]


# --- Reuse --------------------------------------------------------------------------------------------------
def test_unchanged_texts_are_not_encoded_again(encoder):
    people = cast.experts(10)
    built()
    Expert.objects.filter(pk=people[3].pk).update(bio="Something else altogether.")
    Expert.objects.filter(pk=people[4].pk).update(last_name="Renamed", hourly_rate=5)
    people[5].delete()
    encoder.encoded.clear()
    made = built(next_order())
    assert (made.experts, made.encoded, made.reused) == (9, 1, 8)
    assert len(encoder.encoded) == 1 + Tag.objects.filter(is_active=True).count()
    snapshot = Snapshot.open(made.folder)
    fresh = Snapshot.open(built(replace(FULL, number=3)).folder)
    np.testing.assert_array_equal(snapshot.ids, fresh.ids)
    np.testing.assert_array_equal(snapshot.vectors, fresh.vectors)


def test_when_nothing_changed_the_model_is_not_even_loaded(monkeypatch):
    cast.experts(5)
    built()

    def load(self: HashEncoder, *args: object, **options: object) -> None:
        raise AssertionError("the encoder was used")

    monkeypatch.setattr(HashEncoder, "load", load)
    monkeypatch.setattr(HashEncoder, "encode", load)
    monkeypatch.setattr(HashEncoder, "dimension", property(load))
    made = built(next_order())
    assert (made.encoded, made.reused) == (0, 5)


def test_identical_texts_are_encoded_once(encoder):
    for expert in cast.experts(6):
        Expert.objects.filter(pk=expert.pk).update(job_title="Baker", company="", bio="Bakes.")
    reporter = RecordingReporter()
    made = build(FULL, reporter)
    assert made.encoded == 6
    assert encoder.encoded.count("Baker. Bakes.") == 1
    assert (reporter["embed"].done, reporter["embed"].total) == (1, 1)
    assert len(np.unique(Snapshot.open(made.folder).vectors, axis=0)) == 1


@pytest.mark.parametrize("reason", ["reembed", "model", "template", "damaged", "gone"])
def test_nothing_is_reused_that_must_not_be(reason, settings, monkeypatch):
    cast.experts(5)
    made = built()
    order = next_order(reembed=reason == "reembed")
    if reason == "model":
        settings.TCS_ENCODER = "tests.support.fakes.OtherHashEncoder"
        encoders.reset()
    elif reason == "template":
        for module in (reuse, pipeline):
            monkeypatch.setattr(module, "TEMPLATE_VERSION", 2)
    elif reason == "damaged":
        damage.flip_bit(made.folder / "vectors.npy")
    elif reason == "gone":
        order = replace(order, previous=paths.version_folder(77))
    again = built(order)
    assert (again.encoded, again.reused) == (5, 0)
    Snapshot.open(again.folder)


# --- Tags ---------------------------------------------------------------------------------------------------
def test_a_tags_run_makes_no_version_and_encodes_only_what_it_needs(encoder):
    people = cast.experts(10)
    built()
    Expert.objects.filter(pk=people[0].pk).update(bio="Keeps bees and sells honey in Utrecht.")
    encoder.encoded.clear()
    reporter = RecordingReporter()
    made = build(replace(TAGS, previous=paths.version_folder(1)), reporter)
    assert [stage.name for stage in reporter.stages] == ["snapshot", "embed", "tag"]
    assert (made.experts, made.encoded, made.reused) == (10, 1, 0)
    assert (made.manifest, made.folder, made.manifest_sha256) == (None, None, "")
    assert left_over() == ["000001"]
    assert len(encoder.encoded) == 1 + Tag.objects.filter(is_active=True).count()
    assert reporter["tag"].total == 1


def test_a_changed_catalogue_tags_everybody_from_reused_vectors():
    cast.experts(10)
    built()
    Tag.objects.create(name="Case", kind=Tag.Kind.DOMAIN, description="Case case case.")
    made = built(replace(TAGS, previous=paths.version_folder(1), tag_threshold=0.1))
    assert (made.encoded, made.reused) == (0, 10)
    assert ExpertTag.objects.filter(tag__name="Case").exists()


def test_a_tags_run_of_an_empty_directory_does_nothing():
    made = built(TAGS)
    assert (made.experts, made.encoded, made.reused) == (0, 0, 0)


def test_without_any_tag_experts_have_none():
    cast.experts(3)
    Tag.objects.all().delete()
    assert len(built_snapshot()) == 3
    assert not ExpertTag.objects.exists()


# --- Failures -----------------------------------------------------------------------------------------------
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

    def spoil(self: HashEncoder, texts: list[str], **options: object) -> np.ndarray:
        vectors = encode(self, texts, **options)
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
    save = VersionWriter.save

    def spoil(self: VersionWriter, name: str, array: np.ndarray) -> None:
        if name == VECTORS:
            array = array.copy()
            array[0] *= factor
        save(self, name, array)

    monkeypatch.setattr(VersionWriter, "save", spoil)
    with pytest.raises(VerifyFailed, match="1 of 10 vectors"):
        build(FULL, RecordingReporter())
    assert left_over() == []


def test_vectors_in_the_wrong_order_fail_the_build(monkeypatch):
    """The index over other rows than the file: each expert then finds somebody else."""
    cast.experts(10)
    real = pipeline.vectors.build_index

    def shifted(array: np.ndarray, *args: object, **options: object) -> object:
        return real(np.roll(array, 1, axis=0), *args, **options)

    monkeypatch.setattr(pipeline.vectors, "build_index", shifted)
    with pytest.raises(VerifyFailed, match="10 of 10 sampled experts .* their own vector: expert-001"):
        build(FULL, RecordingReporter())
    assert left_over() == []


def test_keywords_of_another_expert_fail_the_build(monkeypatch):
    cast.experts(10)
    real = pipeline.keyword_index.build_index

    def swapped(documents: Iterator[KeywordDocument], *args: object, **options: object) -> None:
        everybody = list(documents)
        keys = [document.key for document in everybody]
        pairs = zip(everybody, keys[1:] + keys[:1], strict=True)
        real((replace(document, key=key) for document, key in pairs), *args, **options)

    monkeypatch.setattr(pipeline.keyword_index, "build_index", swapped)
    with pytest.raises(VerifyFailed, match="their username: expert-001"):
        build(FULL, RecordingReporter())
    assert left_over() == []


def test_a_version_with_other_experts_than_the_directory_fails():
    cast.experts(5)
    with pytest.raises(VerifyFailed, match="holds 5 experts, the directory had 6"):
        verify.check(built_snapshot(), 6, {}, lambda count: None)


def test_at_most_200_experts_are_sampled_evenly():
    assert verify.sample_rows(0) == []
    assert verify.sample_rows(3) == [0, 1, 2]
    rows = verify.sample_rows(10_000)
    assert (len(rows), rows[0], rows[-1]) == (200, 0, 9_999)


def test_too_little_disk_space_is_reported_before_anything_is_written(monkeypatch):
    cast.experts(3)
    monkeypatch.setattr(pipeline, "free_bytes", lambda folder: 1_000)
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
    monkeypatch.setattr(pipeline, "bytes_needed", lambda experts, dimension: 0)
    ballast = small_disk / "ballast"

    def stop(reported: RecordedStage) -> None:
        if reported.name == stage and not ballast.exists():
            fill(ballast)

    with pytest.raises(DiskFull, match="Disk full"):
        build(FULL, RecordingReporter(stop=stop))
    assert left_over() == []
