"""A version is written once, checked when it is opened, and answers on its own from then on."""

from __future__ import annotations

import gc
import hashlib
import os
import shutil
import threading
import time
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexing.errors import SnapshotInvalid, VersionExists
from indexing.lib import paths
from indexing.snapshot.manifest import Manifest
from indexing.snapshot.reader import Snapshot
from indexing.snapshot.writer import VersionWriter
from tests.support import cast, damage
from tests.support.fakes import text_vector
from tests.support.index_cast import FULL, built, built_snapshot

pytestmark = pytest.mark.django_db
FILES = [
    "ids.npy",
    "text_hashes.npy",
    "field_hashes.npy",
    "vectors.npy",
    "passages.npy",
    "passage_hashes.npy",
    "facets.npz",
    "keywords/meta.json",
    "row_digests.npy",
    "profiles.npy",
    "profile_ends.npy",
]


def reseal(folder: Path, **changes: object) -> None:
    """Give `folder` a manifest that agrees with its files but says something else."""
    manifest = Manifest.from_bytes((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_bytes(replace(manifest, **changes).to_bytes())


def test_row_i_of_every_array_is_the_same_expert(folder):
    snapshot = Snapshot.open(folder)
    assert len(snapshot) == 12
    assert snapshot.number == 1
    assert snapshot.ids.dtype == np.int64
    assert snapshot.vectors.shape == (12, 64)
    assert snapshot.text_hashes.shape == (12, 16)
    assert len(snapshot.facets) == 12
    for row, key in enumerate(snapshot.ids.tolist()):
        assert snapshot.semantic(np.array(snapshot.vectors[row]), 1)[0].tolist() == [key]
        assert snapshot.keyword(f"expert-{row + 1:03d}", 1)[0].tolist() == [key]


def test_arrays_cannot_be_changed(folder):
    snapshot = Snapshot.open(folder)
    for array in (snapshot.ids, snapshot.vectors, snapshot.text_hashes):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_similarities_are_those_of_the_given_ids(folder):
    snapshot = Snapshot.open(folder)
    vector = text_vector("Repairs steel bridges")
    ids = snapshot.ids[[7, 0, 7, 11]]
    np.testing.assert_allclose(
        snapshot.similarities(vector, ids), snapshot.vectors[[7, 0, 7, 11]] @ vector, atol=1e-6
    )
    with pytest.raises(KeyError, match="999999"):
        snapshot.similarities(vector, np.array([999_999]))


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_one_flipped_bit_is_found_and_the_file_named(folder, name):
    digest = built_hash(folder)
    damage.flip_bit(folder / name)
    with pytest.raises(SnapshotInvalid, match=name.split("/")[-1].replace(".", r"\.")):
        Snapshot.open(folder, manifest_sha256=digest)


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(SnapshotInvalid, match=name.replace(".", r"\.")):
        Snapshot.open(folder, check_hashes=False)


@pytest.mark.parametrize("name", FILES)
def test_a_short_file_is_found_without_hashing(folder, name):
    damage.replace(folder / name, (folder / name).read_bytes()[:-1])
    with pytest.raises(SnapshotInvalid, match="bytes, the manifest says"):
        Snapshot.open(folder, check_hashes=False)


def test_hashes_are_checked_only_when_asked(folder):
    damage.flip_bit(folder / "vectors.npy")
    Snapshot.open(folder, check_hashes=False)
    with pytest.raises(SnapshotInvalid, match="SHA-256"):
        Snapshot.open(folder)


def test_a_manifest_that_the_database_does_not_know_is_refused(folder):
    with pytest.raises(SnapshotInvalid, match="the database says"):
        Snapshot.open(folder, manifest_sha256="0" * 64)


@pytest.mark.parametrize("changes", [{"count": 11}, {"dimension": 32}, {"ann_kind": "hnsw", "ann_recall": 1.0}])
def test_files_that_disagree_with_the_manifest_are_refused(folder, changes):
    reseal(folder, **changes)
    with pytest.raises(SnapshotInvalid):
        Snapshot.open(folder)


@pytest.mark.parametrize("name", ["facets.npz", "keywords"])
def test_files_of_two_versions_never_mix(folder, name):
    cast.Expert.objects.first().delete()
    other = built(replace(FULL, number=2)).folder
    mine, theirs = folder / name, other / name
    shutil.rmtree(mine) if mine.is_dir() else mine.unlink()
    shutil.copytree(theirs, mine) if theirs.is_dir() else shutil.copy(theirs, mine)
    files = dict(Manifest.from_bytes((folder / "manifest.json").read_bytes()).files)
    foreign = Manifest.from_bytes((other / "manifest.json").read_bytes()).files
    kept = {file: entry for file, entry in files.items() if not file.startswith(name)}
    reseal(folder, files={**kept, **{file: entry for file, entry in foreign.items() if file.startswith(name)}})
    with pytest.raises(SnapshotInvalid, match=f"{name}.* holds 11 experts, the manifest says 12"):
        Snapshot.open(folder)


def test_it_answers_after_its_folder_is_gone(folder):
    snapshot = Snapshot.open(folder)
    shutil.rmtree(folder)
    assert snapshot.keyword("expert-003", 1)[0].tolist() == [snapshot.ids[2]]
    assert snapshot.semantic(np.array(snapshot.vectors[2]), 1)[0].tolist() == [snapshot.ids[2]]


def test_many_threads_ask_at_once(folder):
    snapshot = Snapshot.open(folder)
    wrong: list[int] = []

    def ask() -> None:
        for row, key in enumerate(snapshot.ids.tolist()):
            by_vector = snapshot.semantic(np.array(snapshot.vectors[row]), 1)[0].tolist()
            by_word = snapshot.keyword(f"expert-{row + 1:03d}", 1)[0].tolist()
            if not by_vector == by_word == [key]:
                wrong.append(key)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def mapped(folder: Path) -> int:
    return sum(str(folder) in line for line in Path("/proc/self/maps").read_text().splitlines())


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors and maps through /proc")
def test_the_last_reference_frees_files_maps_and_threads(folder, tmp_path):
    folder = shutil.copytree(folder, tmp_path / "000001")  # where no test before this one had a version
    Snapshot.open(folder)  # whatever libraries open once, they have opened now
    gc.collect()
    descriptors, threads = len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))
    for _ in range(20):
        snapshot = Snapshot.open(folder)
        snapshot.keyword("expert", 5)
        snapshot.semantic(np.array(snapshot.vectors[0]), 5)
    assert mapped(folder) > 0
    gone = weakref.ref(snapshot)
    del snapshot
    assert gone() is None  # no cycle keeps it until some later collection
    until = time.monotonic() + 60  # tantivy's threads end by themselves, a moment later, and let go of its files
    while (mapped(folder) or len(os.listdir("/proc/self/task")) > threads) and time.monotonic() < until:
        time.sleep(0.05)
    assert mapped(folder) == 0
    assert len(os.listdir("/proc/self/fd")) <= descriptors
    assert len(os.listdir("/proc/self/task")) <= threads


def test_facets_count_and_list():
    people = cast.experts(4)
    cast.Expert.objects.filter(pk=people[0].pk).update(
        hourly_rate="80.50", currency="EUR", photo_url="https://a.example/b"
    )
    facets = built_snapshot().facets
    assert facets.category_counts() == {"Craft": 2, "Finance": 2}
    assert facets.rate[0] == 80.5
    assert np.isnan(facets.rate[1:]).all()
    assert facets.currency.tolist() == ["EUR", "", "", ""]
    assert facets.has_photo.tolist() == [True, False, False, False]
    tagged = {expert.pk: set(expert.tags.values_list("pk", flat=True)) for expert in people}
    rows = facets.tag_rows()
    assert {each.pk: set(facets.tag_ids[rows == row].tolist()) for row, each in enumerate(people)} == tagged
    assert sum(facets.tag_counts().values()) == sum(map(len, tagged.values())) > 0


def built_hash(folder: Path) -> str:
    from_file = Manifest.from_bytes((folder / "manifest.json").read_bytes())
    assert set(FILES) < set(from_file.files)
    return hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()


# --- Writing ------------------------------------------------------------------------------------------------
def test_a_version_is_never_overwritten(folder):
    with pytest.raises(VersionExists, match="Version 1 already exists"):
        VersionWriter(paths.building_folder(1, 9), folder, 1)
    assert not paths.building_folder(1, 9).exists()
    Snapshot.open(folder)


def test_a_version_that_appears_meanwhile_is_not_overwritten(tmp_path):
    writer = VersionWriter(tmp_path / "1.1.building", tmp_path / "1", 1)
    (tmp_path / "1").mkdir()
    with pytest.raises(VersionExists), writer:
        writer.finish(b"{}")
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def test_leaving_with_an_error_leaves_nothing(tmp_path):
    def write_and_fail() -> None:
        with VersionWriter(tmp_path / "b", tmp_path / "1", 1) as writer:
            writer.save("ids.npy", np.arange(3))
            writer.finish(b"{}")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_and_fail()
    assert not list(tmp_path.iterdir())


def test_every_file_and_folder_is_flushed_before_the_rename(tmp_path, monkeypatch):
    flushed: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        flushed.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with VersionWriter(tmp_path / "b", tmp_path / "1", 1) as writer:
        writer.save("ids.npy", np.arange(3))
        writer.path("keywords").mkdir()
        (writer.path("keywords") / "meta.json").write_text("{}")
        assert set(writer.seal()) == {"ids.npy", "keywords/meta.json"}
        writer.finish(b"{}")
    assert flushed == ["ids.npy", "meta.json", "keywords", "manifest.json", "b", tmp_path.name]
