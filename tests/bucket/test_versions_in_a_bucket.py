"""Versions travel through a bucket: built on one machine, searched on another that shares no disk."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys

import pytest
from django.core.management import call_command

from experts.models import Expert
from indexing import search
from indexing.errors import NoIndexYet, Refused, SnapshotInvalid, VersionExists
from indexing.lib import paths
from indexing.lib.files import file_sha256
from indexing.models import IndexState, IndexVersion, Publication, RebuildRun, ServingProcess
from indexing.serving import live
from indexing.versions import bucket, decisions, opening
from indexing.versions.bucket import upload
from tests.support import cast, version_cast
from tests.support.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def names(store, prefix: str) -> list[str]:
    return sorted(each["path"] for batch in store.list(prefix) for each in batch)


def built(count: int = 8) -> int:
    if not Expert.objects.exists():
        cast.experts(count)
    run = cast.rebuild()
    assert run.state == RebuildRun.State.DONE, run.error
    return run.version_id


def test_another_machine_downloads_opens_and_searches(machine, stored):
    number = built()
    expected = search.search("bread", live.load_now())
    machine("web1")
    found = search.search("bread", live.load_now())
    assert [hit.expert for hit in found.hits] == [hit.expert for hit in expected.hits]
    folder = paths.version_folder(number)
    assert names(stored(), "versions/") == ["versions/000001.json"]
    assert (folder / "database_id").read_text() == IndexState.read().database_id
    assert stored().get("versions/000001.json").bytes() == (folder / "manifest.json").read_bytes()


def test_a_machine_that_joins_serves_what_is_live_and_has_the_rest_soon(machine, web):
    version_cast.two_versions()
    machine("web1")
    web()
    assert until(lambda: live.served.get().snapshot).number == 2
    until(lambda: all(bucket.is_here(version) for version in opening.searchable()))
    assert until(lambda: ServingProcess.objects.exclude(folder_token="").first())
    built()
    until(lambda: live.current().number == 3)
    assert live.problem() == ""


def test_files_that_did_not_change_are_not_sent_again(caplog, stored):
    built()
    before = set(names(stored(), "objects/"))
    with caplog.at_level(logging.INFO, "indexing"):
        built()
    manifest = json.loads((paths.version_folder(2) / "manifest.json").read_text())
    new = {f"objects/{entry['sha256']}" for entry in manifest["files"].values()} - before
    assert set(names(stored(), "objects/")) == before | new
    assert f"Uploaded {len(new)} of {len(manifest['files'])} files" in caplog.text
    assert len(new) < len(manifest["files"]) / 2


@pytest.mark.parametrize("harm", ["cut off", "flipped", "missing"])
def test_a_damaged_object_is_refused_and_comes_right(harm, machine, web, stored):
    built()
    machine("web1")
    web()
    until(lambda: live.served.get().snapshot)
    folder = machine_of_the_worker(machine)
    Expert.objects.filter(username="expert-001").update(bio="Now restores church organs.")
    live.stop()
    number = built()
    name = f"objects/{entry(number, 'vectors.npy')['sha256']}"
    right = bytes(stored().get(name).bytes())
    assert folder.name == "worker"
    if harm == "missing":
        stored().delete(name)
    else:
        stored().put(name, right[:-4] if harm == "cut off" else right[:-1] + bytes([right[-1] ^ 1]))
    machine("web1")
    web()
    until(lambda: name in live.problem())
    assert f"Version {number} cannot be used" in live.problem()
    assert live.current().number == 1
    stored().put(name, right)
    until(lambda: live.current().number == number)
    until(lambda: live.problem() == "")


def test_a_kept_version_that_is_damaged_holds_up_nothing(machine, web, stored):
    version_cast.two_versions()
    Expert.objects.filter(username="expert-002").update(bio="Now restores clocks.")
    built()
    name = f"objects/{entry(2, 'vectors.npy')['sha256']}"
    stored().put(name, bytes(stored().get(name).bytes())[:-4])
    machine("web1")
    web()
    assert until(lambda: live.served.get().snapshot).number == 3
    until(lambda: bucket.is_here(IndexVersion.objects.get(pk=1)))
    until(lambda: ServingProcess.objects.exclude(folder_token="").exists())
    assert live.problem() == ""
    assert not bucket.is_here(IndexVersion.objects.get(pk=2))


@pytest.mark.parametrize("harm", ["cut off", "flipped", "missing"])
def test_the_next_run_repairs_objects_that_did_not_change(harm, machine, stored):
    """A file that is the same in every version would otherwise never be sent again."""
    number = built()
    name = f"objects/{entry(number, 'nonsense.npy')['sha256']}"
    right = bytes(stored().get(name).bytes())
    if harm == "missing":
        stored().delete(name)
    else:
        stored().put(name, right[:-4] if harm == "cut off" else right[:-1] + bytes([right[-1] ^ 1]))
    machine("web1")
    with pytest.raises(SnapshotInvalid, match=name):
        live.load_now()
    machine_of_the_worker(machine)  # which has not even what it built
    number = built()
    assert bytes(stored().get(name).bytes()) == right
    machine("web2")
    assert live.load_now().number == number


def machine_of_the_worker(machine):
    return machine("worker")


def entry(number: int, name: str) -> dict[str, object]:
    manifest = json.loads((paths.version_folder(number) / "manifest.json").read_text())
    found: dict[str, object] = manifest["files"][name]
    return found


def test_a_file_that_is_damaged_on_this_machine_is_fetched_again(machine):
    number = built()
    machine("web1")
    live.load_now()
    path = paths.version_folder(number) / "vectors.npy"
    right = path.read_bytes()
    path.write_bytes(right[:-1] + bytes([right[-1] ^ 1]))
    version = IndexVersion.objects.get()
    with pytest.raises(SnapshotInvalid):
        opening.open_snapshot(version)
    assert opening.open_snapshot(version).number == number
    assert path.read_bytes() == right


def test_of_two_uploaders_of_one_number_one_wins(machine):
    number = built()
    theirs = IndexVersion.objects.get()
    machine("other")
    folder = paths.version_folder(number)
    bucket.folder_of(theirs)
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"fence": 1', '"fence": 2'))
    with pytest.raises(VersionExists) as refused:
        upload.upload(folder, file_sha256(manifest))
    assert f"Version {number} already exists" in str(refused.value)
    machine("web1")
    assert opening.open_snapshot(theirs).number == number


def forget_version_2() -> None:
    """As after the database was restored from a copy that was made before version 2."""
    IndexState.objects.update(live_version_id=1, last_version_number=1)
    Publication.objects.filter(version=2).delete()
    RebuildRun.objects.filter(version=2).delete()
    IndexVersion.objects.filter(pk=2).delete()
    IndexVersion.objects.filter(pk=1).update(state=IndexVersion.State.LIVE)


def test_what_was_built_before_a_restore_is_not_met_again(machine):
    built()
    built()
    forget_version_2()
    machine("worker")
    assert built() == 3


def test_a_rollback_brings_a_version_that_this_machine_has_not(machine):
    version_cast.two_versions()
    machine("web1")
    decisions.roll_back(1, cast.command_actor(), "It finds nobody.")
    assert live.load_now().number == 1


def test_a_version_that_is_not_in_the_bucket_does_not_go_live(stored):
    version_cast.two_versions()
    stored().delete("versions/000001.json")
    with pytest.raises(Refused, match="is not in s3://tcs"):
        decisions.roll_back(1, cast.command_actor(), "It finds nobody.")
    built()
    assert "versions/000001.json" in names(stored(), "versions/")
    decisions.roll_back(1, cast.command_actor(), "It finds nobody.")


def test_the_sweep_deletes_only_what_no_kept_version_needs(settings, stored, server, prefix):
    settings.TCS_KEEP_VERSIONS = 2
    server.store(prefix).put("another-database/objects/abc", b"theirs")
    built()
    for bio in ("One", "Two", "Three"):
        Expert.objects.filter(username="expert-001").update(bio=bio)
        built()
    kept = {each.number for each in opening.searchable()}
    assert kept == {3, 4}
    assert names(stored(), "versions/") == [f"versions/{number:06d}.json" for number in (2, 3, 4)]
    built()
    kept = {each.number for each in opening.searchable()}
    assert kept == {4, 5}
    assert names(stored(), "versions/") == [f"versions/{number:06d}.json" for number in (3, 4, 5)]
    needed = {
        f"objects/{entry['sha256']}"
        for name in names(stored(), "versions/")
        for entry in json.loads(bytes(stored().get(name).bytes()))["files"].values()
    }
    assert set(names(stored(), "objects/")) == needed
    assert bytes(server.store(prefix).get("another-database/objects/abc").bytes()) == b"theirs"


def test_a_run_reuses_vectors_that_are_in_the_bucket_only(machine):
    built()
    machine("worker2")
    cast.rebuild()
    run = RebuildRun.objects.latest("pk")
    assert (run.encoded, run.reused) == (0, 8)


def test_a_backup_has_the_versions_of_the_bucket(machine, tmp_path, stored):
    version_cast.two_versions()
    machine("web1")
    call_command("backup", str(tmp_path / "copy"))
    assert {path.name for path in (tmp_path / "copy" / "versions").iterdir()} == {"000001", "000002"}


def test_versions_of_a_data_folder_are_uploaded_once_a_bucket_is_used(machine, settings, stored):
    url, settings.TCS_VERSIONS_URL = settings.TCS_VERSIONS_URL, ""
    built()
    settings.TCS_VERSIONS_URL = url
    machine_without = settings.DATA_DIR
    built()
    assert names(stored(), "versions/") == ["versions/000001.json", "versions/000002.json"]
    machine("web1")
    assert machine_without != settings.DATA_DIR
    assert opening.open_snapshot(IndexVersion.objects.get(pk=1)).number == 1


def test_without_a_bucket_there_is_none(settings, stored, server, prefix):
    settings.TCS_VERSIONS_URL = ""
    built()
    shutil.rmtree(paths.version_folder(1))
    with pytest.raises(SnapshotInvalid):
        live.load_now()
    assert not names(server.store(prefix), "")


def test_a_process_without_a_bucket_does_not_even_load_the_library():
    program = "import django; django.setup(); import indexing.serving.live, sys; assert 'obstore' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, env=os.environ | {"TCS_VERSIONS_URL": ""})


def test_nothing_is_there_before_the_first_version(machine, web):
    machine("web1")
    web()
    until(live.has_looked)
    with pytest.raises(NoIndexYet):
        live.current()
    assert live.problem() == ""
