"""Runs and a live version as rows, without a worker."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from indexing import runs
from indexing.lib import processes
from indexing.models import IndexState, IndexVersion, RebuildRun
from tests.support import cast


def running(kind: str = "full") -> RebuildRun:
    requested = runs.request(kind, cast.command_actor())
    claimed = runs.claim(processes.me(), requested.pk)
    assert claimed is not None
    return claimed


def ended(state: str, **fields: object) -> RebuildRun:
    now = timezone.now()
    return RebuildRun.objects.create(
        state=state, started_at=now - timedelta(seconds=75), finished_at=now, requested_name="otto", **fields
    )


def live_version(number: int = 7, experts: int = 3, **fields: object) -> IndexVersion:
    version = IndexVersion.objects.create(
        number=number, state=IndexVersion.State.LIVE, expert_count=experts, **fields
    )
    IndexState.objects.update(live_version=version)
    return version
