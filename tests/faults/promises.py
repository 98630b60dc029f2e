"""What must hold after every fault, and how the tests here build a version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from indexing import runs
from indexing.lib import paths, processes
from indexing.models import IndexState, IndexVersion, Publication, RebuildRun
from indexing.snapshot import manifest
from indexing.snapshot.reader import Snapshot
from indexing.worker import execute
from tests.faults.waiting import PATIENCE, until
from tests.support import cast

Run, Version = RebuildRun.State, IndexVersion.State


def ask(kind: str = "full", **options: Any) -> RebuildRun:
    return runs.request(kind, cast.command_actor(), **options)


def rebuild(kind: str = "full", **options: Any) -> RebuildRun:
    """A whole run, worked off in this process; it must end well."""
    claimed = runs.claim(processes.me(), ask(kind, **options).pk)
    assert claimed is not None
    run = execute.execute(claimed)
    assert run.state == Run.DONE, run.error
    return run


def live() -> int:
    number = IndexState.read().live_version_id
    assert number is not None
    return int(number)


def next_number() -> int:
    """Of the version that the next full run will make."""
    return IndexState.read().last_version_number + 1


def ends(run: RebuildRun, *, within: float = 30) -> RebuildRun:
    """The run ends by itself, without anybody asking for the next one. For use with a web process running."""

    def ended() -> bool:
        run.refresh_from_db()
        return not run.is_active

    until(ended, f"run {run.pk} ends", within)
    return run


def expect(run: RebuildRun, state: str, *, stage: str | None = None, says: str = "") -> None:
    """It ended so, says why, names the stage, and its log's last word of substance is the same sentence."""
    run.refresh_from_db()
    assert (run.state, run.finished_at is not None) == (state, True), f"{run.state}: {run.error}"
    assert says in run.error
    assert run.error in set(run.lines.values_list("message", flat=True))
    if stage is not None:
        assert run.stage == stage, run.error


def hold() -> None:
    """At any moment, also in mid-run."""
    state = IndexState.read()
    lives = list(IndexVersion.objects.filter(state=Version.LIVE))
    assert [version.number for version in lives] == ([state.live_version_id] if state.live_version_id else [])
    for version in lives:
        Snapshot.open(paths.version_folder(version.number), manifest_sha256=version.manifest_sha256)
    for version in IndexVersion.objects.pinned():
        assert paths.version_folder(version.number).is_dir(), f"{version} is pinned and gone"
    assert RebuildRun.objects.active().count() <= 1
    assert list(Publication.objects.filter(until=None).values_list("version_id", flat=True)) == [
        version.number for version in lives
    ]
    by_rebuild = (
        Publication.objects.exclude(how__in=(Publication.How.ROLLBACK, Publication.How.UNDO))
        .order_by("at", "pk")
        .last()
    )
    if by_rebuild is not None:
        assert state.expert_count_at_rebuild == by_rebuild.version.expert_count
        assert state.last_rebuild_at is not None
        assert abs((state.last_rebuild_at - by_rebuild.at).total_seconds()) < 1


def hold_once_idle(gone: Collection[int] = ()) -> None:
    """After a run: no run goes on, nothing half-made is left in the tables or on the disk.

    `gone`: versions whose folders the test itself took away.
    """
    hold()
    assert not RebuildRun.objects.active().exists()
    assert not IndexVersion.objects.filter(state=Version.BUILDING).exists()
    assert folders() == kept(gone)


def kept(gone: Collection[int] = ()) -> list[str]:
    """The folders that belong to a version."""
    numbers = IndexVersion.objects.exclude(state=Version.DELETED).values_list("number", flat=True)
    return sorted(paths.version_folder(number).name for number in set(numbers).difference(gone))


def is_swept(within: float = PATIENCE) -> None:
    """Whoever finds a run crashed deletes what it had begun, just after it has ended: then all is in order."""
    until(lambda: folders() == kept(), "what it had begun is deleted", within)
    hold_once_idle()


def files_of(number: int) -> list[str]:
    """Of a finished version: whatever its manifest lists, and the manifest."""
    folder = paths.version_folder(number)
    return [*json.loads((folder / manifest.MANIFEST_NAME).read_bytes())["files"], manifest.MANIFEST_NAME]


def folders() -> list[str]:
    return sorted(path.name for path in paths.versions_folder().glob("*"))


def next_run_works(gone: Collection[int] = ()) -> RebuildRun:
    """What every row of the table ends with."""
    before = live()
    run = rebuild()
    assert live() == run.version_id != before
    hold_once_idle(gone)
    return run


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
