"""Long profiles are embedded in passages: what is encoded, stored, reused and found."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experts.models import Expert, ExpertTag, Tag
from experts.profiles.hashes import text_hash
from indexing.building import nonsense
from indexing.building.pipeline import build
from indexing.drift.plan import plan_rebuild
from indexing.lib import paths
from indexing.lib.files import file_sha256
from indexing.models.searches import Mode
from indexing.search import search
from indexing.snapshot.manifest import FIELDS_BEFORE, WITH_PASSAGES
from indexing.snapshot.reader import Snapshot
from tests.support import cast
from tests.support.fakes import HashEncoder, text_vector
from tests.support.index_cast import FULL, TAGS, RecordingReporter, built, built_snapshot, next_order

pytestmark = pytest.mark.django_db

SUBJECTS = ("honey", "steel", "tax", "coral", "bread", "patents")


def paragraph(subject: str) -> str:
    """420 characters about one subject: one piece of its own, since two of them are too long for one."""
    sentence = f"This person knows all about {subject} and teaches it. "
    return (sentence * 20)[:419].rpartition(". ")[0].ljust(419, "x") + ".\n"


def long_bio(*subjects: str) -> str:
    return "".join(paragraph(subject) for subject in subjects)


@pytest.fixture
def people() -> list[Expert]:
    """Eight experts; the third has a long profile."""
    everybody = cast.experts(8)
    Expert.objects.filter(pk=everybody[2].pk).update(bio=long_bio(*SUBJECTS))
    return list(Expert.objects.order_by("pk"))


def stored(snapshot: Snapshot) -> list[np.ndarray]:
    folder = paths.version_folder(snapshot.number)
    names = ("vectors.npy", "passages.npy", "passage_hashes.npy", "text_hashes.npy", "ids.npy", "feedback.npy")
    return [np.load(folder / name) for name in names]


def test_a_long_profile_has_a_vector_for_the_whole_and_one_for_each_piece(people, encoder):
    snapshot = built_snapshot()
    rich = people[2]
    assert snapshot.manifest.passages == 7 + 1 + len(SUBJECTS)
    assert snapshot.matrix.shape == (8 + 1 + len(SUBJECTS), 64)
    table = snapshot.meaning.passages.table
    assert table[:, 0].tolist() == [2] * (1 + len(SUBJECTS))
    pieces = [rich.bio[start : start + length] for _, start, length in table[1:].tolist()]
    assert pieces == [paragraph(subject).strip() for subject in SUBJECTS]
    prefix = f"{rich.job_title}, {rich.company}. "
    expected = np.array([text_vector(prefix + piece) for piece in pieces])
    np.testing.assert_array_equal(snapshot.matrix[9:], expected)
    mean = snapshot.matrix[8:].sum(axis=0)
    np.testing.assert_allclose(snapshot.vectors[2], mean / np.linalg.norm(mean), atol=1e-6)
    assert np.load(paths.version_folder(1) / "passage_hashes.npy")[1].tobytes() == text_hash(
        HashEncoder.fingerprint, prefix + pieces[0]
    )


def test_without_long_profiles_a_version_holds_each_vector_once(encoder):
    cast.experts(8)
    made = built()
    snapshot = Snapshot.open(made.folder)
    assert (snapshot.manifest.passages, snapshot.matrix.shape) == (8, (8, 64))
    assert not (made.folder / "ann.faiss").exists()
    assert len(encoder.encoded) == 8 + Tag.objects.filter(is_active=True).count() + nonsense.COUNT


def test_whoever_says_it_late_in_a_long_profile_is_found_with_the_passage(people):
    snapshot = built_snapshot()
    vector = text_vector("knows all about patents and teaches it")
    ids, similarities = snapshot.semantic(vector, 3)
    assert ids[0] == people[2].pk
    (passage,) = snapshot.best_passages(vector, ids[:1])
    start, length = passage
    assert people[2].bio[start : start + length] == paragraph("patents").strip()
    assert snapshot.similarities(vector, ids) == pytest.approx(similarities)


def test_one_edited_paragraph_costs_one_passage(people, encoder):
    built()
    encoder.encoded.clear()
    edited = people[2].bio.replace(paragraph("bread"), paragraph("rye bread"))
    Expert.objects.filter(pk=people[2].pk).update(bio=edited)
    Tag.objects.all().delete()
    reporter = RecordingReporter()
    made = build(next_order(), reporter)
    assert [text[-30:] for text in encoder.encoded] == [paragraph("rye bread").strip()[-30:]]
    assert (made.encoded, made.reused, reporter["embed"].total) == (1, 7, 1)


def test_an_edit_where_the_model_still_reads_costs_the_whole_too(people, encoder):
    built()
    encoder.encoded.clear()
    Tag.objects.all().delete()
    Expert.objects.filter(pk=people[2].pk).update(bio=people[2].bio.replace("honey", "cider", 1))
    build(next_order(), RecordingReporter())
    assert len(encoder.encoded) == 2


def test_a_fresh_build_and_one_by_reuse_are_the_same(people):
    built()
    Expert.objects.filter(pk=people[2].pk).update(bio=long_bio("honey", "steel", "glass", "coral"))
    Expert.objects.filter(pk=people[3].pk).update(bio=long_bio("bread", "honey"))
    Expert.objects.filter(pk=people[0].pk).delete()
    reused = built_snapshot(next_order())
    tags = set(ExpertTag.objects.values_list("expert", "tag", "score"))
    again = built_snapshot(next_order(3))
    fresh = built_snapshot(replace(FULL, number=4, fence=4, reembed=True))
    for other in (again, fresh):
        for one, same in zip(stored(reused), stored(other), strict=True):
            np.testing.assert_array_equal(one, same)
    assert set(ExpertTag.objects.values_list("expert", "tag", "score")) == tags
    for query in (*SUBJECTS, "glass", "knows about bread and honey", "teaches coral", people[4].full_name):
        for mode in Mode:
            hits = found(query, reused, mode)
            assert hits == found(query, again, mode) == found(query, fresh, mode)
            assert hits


def found(query: str, snapshot: Snapshot, mode: Mode) -> list[tuple[object, ...]]:
    """Everything that a search says about its hits."""
    results = search(query, snapshot, 8, mode)
    return [
        (hit.expert.pk, hit.score, hit.similarity, hit.semantic_rank, hit.keyword_rank, hit.passage, hit.is_strong)
        for hit in results.hits
    ]


def test_what_an_earlier_release_built_is_reused_where_the_text_is_the_same(people, encoder):
    """Its long profile was embedded once, cut; its short ones are as they are now."""
    folder = as_before_passages(built().folder)
    snapshot = Snapshot.open(folder)
    assert (snapshot.manifest.passages, len(snapshot.meaning.passages)) == (8, 0)
    assert snapshot.semantic(np.array(snapshot.vectors[0]), 1)[0].tolist() == [people[0].pk]
    assert plan_rebuild(snapshot).to_encode == 1
    encoder.encoded.clear()
    made = build(next_order(), RecordingReporter())
    assert (made.encoded, made.reused) == (1, 7)
    again = Snapshot.open(made.folder)
    fresh = built_snapshot(replace(FULL, number=3, fence=3, reembed=True))
    np.testing.assert_array_equal(again.matrix, fresh.matrix)
    assert plan_rebuild(again).to_encode == 0


def as_before_passages(folder: Path) -> Path:
    """Make a version what the release before passages wrote: a vector for each expert, and no more."""
    snapshot = Snapshot.open(folder)
    vectors = np.array([snapshot.meaning.whole(row) for row in range(len(snapshot))])
    gone = ("passages.npy", "passage_hashes.npy", "feedback.npy", "feedback_words.npz")
    for name in ("vectors.npy", *gone):
        (folder / name).unlink()
    np.save(folder / "vectors.npy", vectors)
    hashes = np.load(folder / "field_hashes.npy")[:, : len(FIELDS_BEFORE)]
    np.save(folder / "field_hashes.npy", hashes)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    for name in ("passages", "passage_rule", "fields"):
        del manifest[name]
    for name in gone:
        del manifest["files"][name]
    for name in ("vectors.npy", "field_hashes.npy"):
        size, digest = (folder / name).stat().st_size, file_sha256(folder / name)
        manifest["files"][name] = {"bytes": size, "sha256": digest}
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": WITH_PASSAGES - 1}))
    return folder


def test_a_tags_run_knows_the_passages_too(people, encoder):
    """What an earlier release tagged by the beginning of a long profile is tagged again, by all of it."""
    built()
    before = set(Expert.objects.values_list("pk", "tagged_for"))
    Expert.objects.filter(pk=people[2].pk).update(bio=people[2].bio.replace("patents", "violins"))
    encoder.encoded.clear()
    made = built(replace(TAGS, previous=paths.version_folder(1)))
    assert (made.encoded, made.reused) == (1, 0)
    assert {key for key, _ in before ^ set(Expert.objects.values_list("pk", "tagged_for"))} == {people[2].pk}
