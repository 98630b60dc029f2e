"""Which versions can be opened, and whether there is memory for them."""

from __future__ import annotations

import resource
from collections.abc import Callable
from types import SimpleNamespace

import psutil
import pytest

from indexing.errors import (
    CollectionInvalid,
    NotEnoughMemory,
    Refused,
    SnapshotInvalid,
    VectorsUnavailable,
    VersionDamaged,
)
from indexing.lib import paths
from indexing.lib.messages import message
from indexing.models import IndexVersion
from indexing.snapshot.manifest import MILVUS
from indexing.snapshot.writer import VECTORS
from indexing.versions import free_memory, opening, rollback_effect
from tests.support import cast, damage, version_cast

State = IndexVersion.State
PLENTY = 1 << 60


def rows(*states: str) -> list[IndexVersion]:
    """Versions in these states, numbered down to 1."""
    return [IndexVersion(number=len(states) - place, state=state) for place, state in enumerate(states)]


@pytest.mark.parametrize(
    ("states", "pair"),
    [
        ((), (None, None)),
        ((State.LIVE,), (1, 1)),
        ((State.KEPT,), (1, 1)),
        ((State.LIVE, State.KEPT, State.KEPT), (2, 3)),
        ((State.HELD, State.KEPT, State.LIVE), (1, 3)),
        ((State.HELD, State.KEPT), (2, 2)),
    ],
)
def test_the_live_version_is_compared_with_the_newest_other(states, pair):
    assert tuple(version and version.number for version in opening.usual_pair(rows(*states))) == pair


@pytest.mark.parametrize(("text", "number"), [("2", 2), ("9", None), ("x", None), (None, None)])
def test_a_version_is_found_by_the_number_in_an_address(text, number):
    found = opening.numbered(rows(State.LIVE, State.KEPT), text)
    assert (found and found.number) == number


def version(**fields: int) -> IndexVersion:
    return IndexVersion(number=7, **fields)


@pytest.mark.parametrize(
    ("fields", "reserve", "needed"),
    [
        ({"bytes": 1_000, "dimension": 0}, 50, 1_050),
        ({"bytes": 1_000, "dimension": 10}, 50, 1_850),  # and two arrays of float32[10, 10]
        ({"bytes": 1_000, "dimension": 10}, 0, 1_800),
    ],
)
def test_a_version_needs_its_size_its_moments_and_the_reserve(fields, reserve, needed, monkeypatch):
    monkeypatch.setattr(free_memory, "room", lambda: needed)
    free_memory.require(version(**fields), reserve=reserve)
    monkeypatch.setattr(free_memory, "room", lambda: needed - 1)
    with pytest.raises(NotEnoughMemory):
        free_memory.require(version(**fields), reserve=reserve)


def test_of_what_machine_container_and_address_space_have_left_the_least_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(free_memory, "CGROUP", tmp_path)
    assert 0 < free_memory.room() <= psutil.virtual_memory().total
    for name, content in (("max", "5000"), ("current", "1000"), ("stat", "anon 700\nfile 300\n")):
        (tmp_path / f"memory.{name}").write_text(content)
    assert free_memory.room() == 4_300
    (tmp_path / "memory.max").write_text(str(PLENTY))
    limit = psutil.Process().memory_info().vms + (1 << 20)
    monkeypatch.setattr(free_memory.resource, "getrlimit", lambda _kind: (limit, resource.RLIM_INFINITY))
    assert free_memory.room() <= 1 << 20


@pytest.mark.django_db(transaction=True)
class TestFiles:
    def test_only_a_finished_version_can_be_opened(self):
        with pytest.raises(Refused, match="no finished version 1"):
            opening.require_openable(1)
        IndexVersion.objects.create(number=1)
        with pytest.raises(Refused, match="no finished version 1"):
            opening.require_openable(1)

    def test_a_good_version_can_be_opened_where_there_is_memory(self, monkeypatch):
        version_cast.two_versions()
        opening.require_openable(1)
        monkeypatch.setattr(free_memory, "room", lambda: 1_000)
        with pytest.raises(NotEnoughMemory):
            opening.require_openable(1)

    def test_a_damaged_version_cannot_be_opened(self):
        version_cast.two_versions()
        damage.flip_bit(paths.version_folder(1) / "vectors.npy")
        with pytest.raises(VersionDamaged, match="vectors.npy"):
            opening.require_openable(1)

    def test_a_folder_that_belongs_to_another_version_is_not_opened(self):
        cast.experts(3)
        cast.rebuild()
        other = IndexVersion(number=2)
        paths.version_folder(1).rename(paths.version_folder(2))
        with pytest.raises(SnapshotInvalid, match="holds version 1"):
            opening.open_snapshot(other)

    def test_a_manifest_that_the_row_does_not_know_is_refused(self):
        cast.experts(3)
        cast.rebuild()
        IndexVersion.objects.update(manifest_sha256="0" * 64)
        with pytest.raises(SnapshotInvalid, match="the database says"):
            opening.open_snapshot(IndexVersion.objects.get())

    def test_what_a_rollback_would_mean_is_seen_from_the_sizes_of_large_files(self):
        version_cast.two_versions()
        damage.flip_bit(paths.version_folder(1) / "vectors.npy")
        assert rollback_effect.rollback_effect(1).number == 1
        (paths.version_folder(1) / "vectors.npy").unlink()
        with pytest.raises(SnapshotInvalid, match="vectors.npy"):
            rollback_effect.rollback_effect(1)


@pytest.mark.parametrize(("engine", "needed"), [(MILVUS, 600), ("files", 1_000)])
def test_vectors_that_are_searched_elsewhere_need_no_memory(engine, needed, monkeypatch):
    manifest = SimpleNamespace(engine=engine, files={VECTORS: SimpleNamespace(bytes=400)})
    monkeypatch.setattr(free_memory, "read_manifest", lambda _folder: manifest)
    monkeypatch.setattr(free_memory, "room", lambda: needed)
    free_memory.require(version(bytes=1_000, dimension=0), reserve=0)
    monkeypatch.setattr(free_memory, "room", lambda: needed - 1)
    with pytest.raises(NotEnoughMemory):
        free_memory.require(version(bytes=1_000, dimension=0), reserve=0)


@pytest.mark.django_db(transaction=True)
def test_a_version_that_is_not_in_the_bucket_or_not_in_milvus_is_refused(monkeypatch):
    version_cast.two_versions()
    opening.require_openable(1)

    def fails(error: Exception) -> Callable[..., None]:
        def fail(*_arguments: object) -> None:
            raise error

        return fail

    away = VectorsUnavailable(message("Milvus is away."))
    index = SimpleNamespace(require_ready=fails(away))
    monkeypatch.setattr(
        opening, "open_snapshot", lambda _version: SimpleNamespace(meaning=SimpleNamespace(index=index))
    )
    with pytest.raises(Refused, match="Milvus is away"):
        opening.require_openable(1)
    monkeypatch.setattr(opening.bucket, "require_kept", fails(Refused(message("It is not in the bucket."))))
    with pytest.raises(Refused, match="not in the bucket"):
        opening.require_openable(1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("error", "noted"), [(SnapshotInvalid, [1]), (CollectionInvalid, [])])
def test_damaged_files_are_fetched_again_but_not_those_of_a_missing_collection(error, noted, monkeypatch):
    version_cast.two_versions()
    damaged: list[int] = []

    def damages(*_arguments: object, **_options: object) -> None:
        raise error(message("It is damaged."))

    monkeypatch.setattr(opening.bucket, "note_damage", lambda version: damaged.append(version.number))
    monkeypatch.setattr(opening.Snapshot, "open", damages)
    with pytest.raises(error, match="It is damaged"):
        opening.open_snapshot(IndexVersion.objects.get(pk=1))
    assert damaged == noted
