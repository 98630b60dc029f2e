"""How a version becomes the live one: `make_live` is the only place that does it.

Every function here is called in a transaction that holds the state row.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from indexing import notifications, runlog
from indexing.errors import Refused
from indexing.lib.messages import message
from indexing.models import IndexState, IndexVersion, Publication, RebuildRun
from indexing.versions import collections

State, MapState = IndexVersion.State, IndexVersion.MapState


def make_live(
    state: IndexState, version: IndexVersion, how: str, *, name: str, reason: str, map_owner: str = ""
) -> None:
    """Make `version` the live one; the one that was becomes kept. Raises Refused if it was changed meanwhile.

    `map_owner` is the process that will compute the version's map (`Owner.as_text`); without one, whoever looks next
    takes it over.
    """
    now = timezone.now()
    IndexVersion.objects.filter(state=State.LIVE).update(state=State.KEPT, live_until=now)
    Publication.objects.filter(until=None).update(until=now)
    move_version(version, version.state, State.LIVE, live_from=now, live_until=None)
    if version.map_state in (MapState.NONE, MapState.FAILED):  # leave a running computation alone
        IndexVersion.objects.filter(pk=version.pk).update(map_state=MapState.COMPUTING, map_owner=map_owner)
    Publication.objects.create(version=version, how=how, at=now, name=name, reason=reason, pause_before=state.pause)
    state.live_version = version
    state.save(update_fields=["live_version"])
    transaction.on_commit(collections.follow_live, robust=True)
    notifications.published(version, how=how, name=name, reason=reason)


def end_pause(state: IndexState, run: RebuildRun) -> None:
    """Resume scheduled rebuilds if they are paused: what a person published with `run` replaces the version that was
    rolled back to. Call it after `make_live`."""
    if state.schedule_paused_at is None:
        return
    sentence = message(
        "Scheduled rebuilds are resumed: version %(number)s replaces version %(earlier)s, which was rolled back to.",
        number=state.live_version_id,
        earlier=state.rolled_back_to,
    )
    state.set_pause(None)
    runlog.append(run.pk, sentence, stage=run.stage)


def record_rebuild(state: IndexState, experts: int) -> None:
    """Note that a full rebuild with that many experts was published; nothing else changes these two fields."""
    state.last_rebuild_at = timezone.now()
    state.expert_count_at_rebuild = experts
    state.save(update_fields=["last_rebuild_at", "expert_count_at_rebuild"])


def move_version(version: IndexVersion, expect: str, to: str, **changes: object) -> None:
    """Move a version from state `expect` to state `to`. Raises Refused if it is in another state by now."""
    if not IndexVersion.objects.filter(pk=version.pk, state=expect).update(state=to, **changes):
        raise Refused(message("Version %(number)s was changed by somebody else meanwhile.", number=version.pk))
    version.state = to
