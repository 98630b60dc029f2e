"""Files of the live version are damaged, mixed up or gone; then the process starts again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from experts.models import Expert
from indexing.errors import NoIndexYet
from indexing.lib import paths
from indexing.models import IndexState, IndexVersion
from indexing.runs import status
from indexing.serving import live
from indexing.snapshot import manifest
from tests.faults import promises
from tests.faults.waiting import SELDOM, until
from tests.faults.web import Searching
from tests.support import cast
from tests.support.damage import flip_bit, replace

Damage = Callable[[Path, Path], None]


@pytest.fixture
def two_versions(first_version) -> tuple[Path, Path]:
    """Folders of the kept and of the live version, which differ."""
    Expert.objects.filter(username="expert-001").update(bio="Now restores church organs.")
    second = promises.rebuild().version_id
    return paths.version_folder(first_version), paths.version_folder(second)


@pytest.fixture
def restarted() -> Callable[[], live.Live]:
    """A process that has just started, as far as `live` knows: it looks at the tables once."""

    def restart() -> live.Live:
        fresh = live.Live()
        live.served.set(fresh)
        fresh.refresh()
        return fresh

    return restart


def flip(path: Path, _other: Path) -> None:
    flip_bit(path)


def cut(path: Path, _other: Path) -> None:
    replace(path, path.read_bytes()[:-1])


def remove(path: Path, _other: Path) -> None:
    path.unlink()


def exchange(path: Path, other: Path) -> None:
    replace(path, other.read_bytes())


@pytest.mark.parametrize("damage", [flip, cut, remove, exchange])
def test_a_damaged_version_is_refused_and_the_newest_good_one_is_served(two_versions, restarted, subtests, damage):
    kept, folder = two_versions
    for name in promises.files_of(int(folder.name)):
        path, other = folder / name, kept / name
        if damage is exchange and (not other.exists() or other.read_bytes() == path.read_bytes()):
            continue  # a segment's files get new names in every version; ids are the same in both
        with subtests.test(name):
            whole = path.read_bytes()
            damage(path, other)
            try:
                restarted()
                assert live.current().number == int(kept.name)
                assert name in live.problem()
                assert folder.name.lstrip("0") in live.problem()
            finally:
                replace(path, whole)
            restarted()
            assert live.problem() == ""
            assert live.current().number == int(folder.name)


@pytest.mark.parametrize("change", [{"count": 23}, {"dimension": 32}, {"fingerprint": "0" * 64}, {"number": 1}])
def test_a_manifest_that_says_otherwise_is_refused(two_versions, restarted, change):
    kept, folder = two_versions
    path = folder / manifest.MANIFEST_NAME
    path.write_text(json.dumps(json.loads(path.read_bytes()) | change))
    restarted()
    assert live.current().number == int(kept.name)
    assert manifest.MANIFEST_NAME in live.problem()


@pytest.mark.parametrize("change", [{"count": 23}, {"dimension": 32}, {"number": 1}, {"format": 0}, {"format": 99}])
def test_so_is_one_whose_hash_the_database_has_taken_over(two_versions, restarted, change):
    """As after a restore of a database and a folder that do not belong together: the contents must agree as well."""
    kept, folder = two_versions
    path = folder / manifest.MANIFEST_NAME
    path.write_text(json.dumps(json.loads(path.read_bytes()) | change))
    digest = promises.sha256(path)
    IndexVersion.objects.filter(number=int(folder.name)).update(manifest_sha256=digest)
    restarted()
    assert live.current().number == int(kept.name)
    assert live.problem()
    if "format" in change:  # of an older release, or of a newer one
        assert f"format {change['format']}; this release reads format" in live.problem()


def test_a_whole_other_version_in_its_place_is_refused(two_versions, restarted):
    kept, folder = two_versions
    shutil.rmtree(folder)
    shutil.copytree(kept, folder)
    restarted()
    assert live.current().number == int(kept.name)
    assert manifest.MANIFEST_NAME in live.problem()


def test_without_any_good_version_there_is_no_index_until_the_next_run(first_version, restarted):
    flip(paths.version_folder(first_version) / "vectors.npy", Path())
    restarted()
    assert "vectors.npy" in live.problem()
    with pytest.raises(NoIndexYet):
        live.current()
    promises.next_run_works()
    restarted()
    assert live.problem() == ""
    assert live.current().number == promises.live()


def test_a_restarted_server_says_what_is_wrong_and_the_next_run_fixes_it(two_versions, serve):
    kept, folder = two_versions
    flip(folder / "vectors.npy", Path())
    web = serve()
    with Searching(web) as searching:
        searching.more()
        assert searching.versions() == {int(kept.name)}
        assert web.readiness() == "degraded"
        until(lambda: status.serving(IndexState.read()).problems, "the process reports it")
        page = Client()
        page.force_login(cast.staff("indexing.view", username="vic"))
        shown = page.get("/admin/index/").content.decode()
        assert "vectors.npy" in shown
        assert 'class="alarm"' in shown
        assert f"using version {int(kept.name)}" in shown
        searching.wait_for(promises.next_run_works())
        until(lambda: web.readiness() == "ready", "nothing is wrong any more", every=SELDOM)
    searching.none_failed()


def test_a_folder_deleted_under_running_processes_goes_on_being_served(two_versions, serve):
    kept, folder = two_versions
    web = serve()
    with Searching(web) as searching:
        shutil.rmtree(folder)
        searching.more(12)
        restarted = serve()
        assert restarted.version() == int(kept.name)
        assert restarted.readiness() == "degraded"
        searching.more(4)
        assert searching.versions() == {int(folder.name)}
        repaired = promises.next_run_works(gone={int(folder.name)})
        for process in (web, restarted):
            process.serves(repaired.version_id)
    searching.none_failed()
