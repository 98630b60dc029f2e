"""No room on the disk, no room in memory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexing.lib import paths
from indexing.models import RebuildRun
from tests.faults import faulty_worker, promises
from tests.faults.web import Searching
from tests.support.small_disk import mounted

State = RebuildRun.State
STAGES = RebuildRun.STAGES[RebuildRun.Kind.FULL]


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """The versions lie on a disk of 16 MB, beside which nothing else of the data folder lies."""
    with mounted(megabytes=16) as disk:
        shutil.rmtree(paths.versions_folder(), ignore_errors=True)
        (disk.mount_point / "versions").mkdir()
        paths.versions_folder().symlink_to(disk.mount_point / "versions")
        yield disk.mount_point
        paths.versions_folder().unlink()


def test_a_full_disk_fails_the_run_at_any_file_and_leaves_nothing(small_disk, first_version, serve, work, subtests):
    with Searching(serve()) as searching:
        files = sorted({name.partition("/")[0] for name in promises.files_of(first_version)})
        assert len(files) > 7, files
        for point in ("stage embed", *(f"file {name}" for name in files)):
            with subtests.test(point), searching.answered_from(first_version):
                run = promises.ask()
                assert work(run.pk, point, "fill disk").ended() == 1
                promises.expect(run, State.FAILED, says="Disk full: about")
                assert "MB needed" in run.error
                assert promises.live() == first_version
                promises.hold_once_idle()
                (small_disk / faulty_worker.BALLAST).unlink()
        searching.wait_for(promises.next_run_works())
    searching.none_failed()


def test_a_worker_out_of_memory_touches_nobody_else(first_version, serve, work, subtests):
    with Searching(serve()) as searching:
        for stage in STAGES[1:]:
            before = promises.live()
            with subtests.test(str(stage)), searching.answered_from(before, promises.next_number()):
                run = promises.ask(reembed=True)
                code = work(
                    run.pk, f"stage {stage}", "limit memory", TCS_ENCODER="tests.faults.encoders.GreedyEncoder"
                ).ended()
                promises.ends(run)
                if code == 0:  # what is left to do after this stage may fit into what is free already
                    assert stage not in ("embed", "keywords")
                    assert run.state == State.DONE
                    searching.wait_for(run)
                else:
                    assert run.state in (State.FAILED, State.CRASHED)
                    promises.expect(run, run.state)
                    assert promises.live() == before
                promises.is_swept()
        searching.wait_for(promises.next_run_works())
    searching.none_failed()
