"""What a build leaves behind, and what it does not do again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from experts.directory import each_active
from experts.models import Expert, ExpertTag, Tag
from indexing import encoders
from indexing.building import reuse, writing
from indexing.building.layout import lay_out
from indexing.building.pipeline import build
from indexing.building.writing import bytes_needed
from indexing.errors import NothingToIndex, VersionExists
from indexing.lib import paths
from indexing.snapshot import recall
from indexing.snapshot.reader import Snapshot
from indexing.snapshot.writer import ANN
from tests.support import cast, damage
from tests.support.fakes import HashEncoder
from tests.support.index_cast import (
    ALL_STAGES,
    FULL,
    TAGS,
    RecordingReporter,
    built,
    built_snapshot,
    left_over,
    next_order,
)

pytestmark = pytest.mark.django_db


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
    assert snapshot.manifest.ann_recall >= recall.WANTED
    assert snapshot.meaning.index.effort == snapshot.manifest.ann_effort == recall.EFFORTS[0]


def test_its_searches_take_the_effort_that_it_needed(monkeypatch):
    monkeypatch.setattr(recall, "EFFORTS", (300,))
    cast.experts(12)
    snapshot = built_snapshot(replace(FULL, exact_up_to=5))
    assert snapshot.meaning.index.effort == snapshot.manifest.ann_effort == 300


def test_where_no_effort_is_enough_it_is_exact_and_says_why():
    cast.experts(12)
    reporter = RecordingReporter()
    made = build(replace(FULL, exact_up_to=5, recall=1.01), reporter)
    assert (made.manifest.ann_kind, made.manifest.ann_recall, made.manifest.ann_effort) == ("exact", None, None)
    assert not (made.folder / ANN).exists()
    assert "recall@10 1.000 with effort 2,048, and 1.010 is needed" in str(reporter["vectors"].sentence)


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
        for module in (reuse, writing):
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


def test_how_much_disk_a_version_needs_follows_its_texts():
    cast.experts(3)
    short = lay_out([*each_active()], HashEncoder(), None)
    Expert.objects.update(bio="word " * 2_000)
    long = lay_out([*each_active()], HashEncoder(), None)
    assert bytes_needed(long, 8) >= bytes_needed(short, 8) + 3 * 2 * 9_000
