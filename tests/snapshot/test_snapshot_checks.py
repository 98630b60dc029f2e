"""What is checked when a version is opened, beyond its sizes and hashes."""

from __future__ import annotations

import numpy as np
import pytest

from experts.models import Expert
from indexing.errors import SnapshotInvalid
from indexing.snapshot.prefilter import KeywordConditions, Prefilter
from indexing.snapshot.reader import Snapshot
from tests.support import cast, damage
from tests.support.fakes import text_vector
from tests.support.index_cast import built

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "name",
    ["passages.npy", "suggest.npz", "facets.npz", "keywords/meta.json", "vectors.npy", "feedback.npy"],
)
def test_a_file_of_the_right_size_that_nobody_can_read_is_named(folder, name):
    damage.replace(folder / name, b"\0" * (folder / name).stat().st_size)
    with pytest.raises(SnapshotInvalid, match=name.partition("/")[0].replace(".", r"\.")):
        Snapshot.open(folder, check_hashes=False)


@pytest.mark.parametrize(
    "change", [lambda ids: ids[::-1], lambda ids: np.minimum(ids, ids[-2])], ids=["turned", "twice"]
)
def test_ids_must_rise(folder, change):
    ids = change(np.load(folder / "ids.npy"))
    (folder / "ids.npy").unlink()
    np.save(folder / "ids.npy", ids)
    with pytest.raises(SnapshotInvalid, match="not in rising order"):
        Snapshot.open(folder, check_hashes=False)


@pytest.mark.parametrize("count", [1, 2])
def test_a_version_of_one_expert_or_two_is_opened(count):
    cast.experts(count)
    made = built()
    assert len(Snapshot.open(made.folder)) == count


def test_vectors_are_mapped_and_not_read_into_memory(folder):
    assert isinstance(Snapshot.open(folder).vectors, np.memmap)


def test_more_experts_than_there_are_cannot_be_near(folder):
    snapshot = Snapshot.open(folder)
    ids, similarities = snapshot.semantic(text_vector("bread"), 50)
    assert sorted(ids.tolist()) == snapshot.ids.tolist()
    assert (np.diff(similarities) <= 0).all()


def test_only_those_that_pass_a_filter_are_found(folder):
    snapshot = Snapshot.open(folder)
    mask = snapshot.ids % 2 == 0
    nobody = Prefilter(mask=mask, conditions=KeywordConditions(labels=((),)))
    assert set(snapshot.semantic(text_vector("bread"), 50, nobody)[0].tolist()) == set(snapshot.ids[mask].tolist())
    assert len(snapshot.keyword("Erin", 50)[0]) == 12
    assert len(snapshot.keyword("Erin", 50, nobody)[0]) == 0


def test_a_version_with_passages_has_their_vectors_and_words(db):
    cast.experts(3)
    Expert.objects.filter(username=Expert.objects.all()[0].username).update(bio="Sentence of this profile. " * 200)
    snapshot = Snapshot.open(built().folder)
    assert len(snapshot.matrix) > len(snapshot) == 3
    assert snapshot.feedback.has_pieces(3)


def test_a_version_of_an_engine_that_is_not_there_is_not_opened(folder):
    with pytest.raises(SnapshotInvalid, match="Set TCS_MILVUS_URI"):
        Snapshot.open(folder, engines={})


def test_rows_have_every_phrase_and_none_of_what_is_excluded(folder):
    snapshot = Snapshot.open(folder)
    bio = Expert.objects.get(pk=snapshot.ids[4]).bio
    first, second = " ".join(bio.split()[:2]), " ".join(bio.split()[1:3])
    everybody, with_both = snapshot.having([], []), snapshot.having([first, second], [])
    assert everybody.all()
    assert with_both[4]
    assert not snapshot.having([first, "zzqq"], []).any()
    assert snapshot.having([], [first]).tolist() == (~snapshot.having([first], [])).tolist()
    assert not snapshot.having([first], [second])[4]
