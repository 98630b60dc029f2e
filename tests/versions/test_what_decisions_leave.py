"""Whoever decides leaves an entry in the history, and open pages hear of it once it is stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection

from indexing import audit, runs
from indexing.audit import Actor
from indexing.errors import Refused
from indexing.lib import doorbell, processes
from indexing.models import IndexState, IndexVersion, Notification, Publication, RebuildRun
from indexing.versions import decisions, pinning
from indexing.versions.going_live import move_version
from tests.support import cast, run_cast, version_cast

pytestmark = pytest.mark.django_db(transaction=True)
State = RebuildRun.State


@dataclass(frozen=True)
class Decision:
    prepare: Callable[[], object]
    decide: Callable[[Actor], object]
    sentence: str


def kept_version() -> None:
    IndexVersion.objects.create(number=1, state=IndexVersion.State.KEPT)


def pinned_version() -> None:
    kept_version()
    pinning.pin(1, cast.command_actor("erin"), "For the audit.")


def paused() -> None:
    IndexState.objects.update(schedule_paused_at="2026-01-01T00:00:00Z", schedule_paused_name="erin")


DECISIONS = [
    Decision(version_cast.held, lambda who: decisions.approve(2, who, "Seen."), "Published held version 2: Seen."),
    Decision(version_cast.held, lambda who: decisions.discard(2, who, "Bad."), "Discarded held version 2: Bad."),
    Decision(
        version_cast.two_versions, lambda who: decisions.roll_back(1, who, "Bad."), "Rolled back to version 1: Bad."
    ),
    Decision(
        version_cast.rolled_back,
        lambda who: decisions.undo(Publication.objects.current().pk, who),
        "Undid the publication of version 1: version 2 is live again.",
    ),
    Decision(paused, decisions.resume_schedule, "Resumed scheduled rebuilds."),
    Decision(kept_version, lambda who: pinning.pin(1, who, "Audit."), "Pinned version 1: Audit."),
    Decision(pinned_version, lambda who: pinning.unpin(1, who, "Over."), "Unpinned version 1: Over."),
]


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda decision: decision.sentence)
def test_a_decision_is_in_the_history_once_and_pages_hear_of_it_afterwards(decision, monkeypatch):
    decision.prepare()
    user = cast.staff(username="carol")
    rings: list[bool] = []
    monkeypatch.setattr(doorbell, "ring", lambda: rings.append(connection.in_atomic_block))
    decision.decide(Actor("carol", RebuildRun.Via.PAGE, user=user, address="192.0.2.1"))
    entry = LogEntry.objects.get(user=user)
    assert audit.sentence(entry, by=True) == f"{decision.sentence} [carol (page, 192.0.2.1)]"
    assert rings[-1:] == [False], "after the transaction: who looks before it ends sees nothing"


def outcome() -> runs.BuildOutcome:
    return runs.BuildOutcome(experts=3, encoded=3, reused=0, peak_mb=1, stages=[], manifest_sha256="aa")


@pytest.mark.parametrize(
    "end",
    [
        lambda run: runs.publish(run, outcome()),
        lambda run: runs.hold(run, outcome(), "Why."),
        lambda run: runs.complete(run, outcome()),
        lambda run: runs.fail(run, "Broken."),
    ],
    ids=["publish", "hold", "complete", "fail"],
)
def test_pages_hear_that_a_run_has_ended_once_that_is_stored(end, monkeypatch):
    run = run_cast.running()
    rings: list[bool] = []
    monkeypatch.setattr(doorbell, "ring", lambda: rings.append(connection.in_atomic_block))
    end(run)
    assert rings[-1:] == [False]


def test_pages_hear_that_a_run_was_claimed(monkeypatch):
    runs.request("full", cast.command_actor())
    rings: list[bool] = []
    monkeypatch.setattr(doorbell, "ring", lambda: rings.append(connection.in_atomic_block))
    runs.claim(processes.me())
    assert rings == [False]


def test_a_published_version_leaves_what_is_known_of_its_run(settings):
    settings.TCS_NOTIFY_EMAILS = ["ops@example.org"]
    run = run_cast.running()
    runs.publish(run, outcome())
    assert [notification.event for notification in Notification.objects.all()] == ["index.published"]
    version = IndexState.read().live_version
    assert (version.expert_count, version.manifest_sha256, version.live_until) == (3, "aa", None)
    assert version.map_owner == run.owner
    assert run.lines.last().message == "Done: version 1 is live with 3 experts."


@pytest.mark.parametrize(
    ("end", "event"),
    [
        (lambda run: runs.hold(run, outcome(), "Too few."), "run.held"),
        (lambda run: runs.fail(run, "Broken."), "run.failed"),
        (lambda run: runs.mark_crashed(run, "Silent."), "run.crashed"),
        (runs.end_cancelled, "run.cancelled"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_run_that_did_not_end_well_is_notified_once(end, event, settings):
    settings.TCS_NOTIFY_EMAILS = ["ops@example.org"]
    end(run_cast.running())
    assert [notification.event for notification in Notification.objects.all()] == [event]


def test_a_queued_run_that_is_cancelled_is_notified(settings):
    settings.TCS_NOTIFY_EMAILS = ["ops@example.org"]
    runs.cancel(runs.request("full", cast.command_actor()).pk, cast.command_actor("carol"))
    assert [notification.event for notification in Notification.objects.all()] == ["run.cancelled"]


def test_a_version_that_somebody_changed_meanwhile_does_not_move():
    version_cast.two_versions()
    kept = IndexVersion.objects.get(state=IndexVersion.State.KEPT)
    IndexVersion.objects.filter(pk=kept.pk).update(state=IndexVersion.State.DELETED)
    with pytest.raises(Refused, match="changed by somebody else"):
        move_version(kept, IndexVersion.State.KEPT, IndexVersion.State.LIVE)
    assert IndexVersion.objects.get(pk=kept.pk).state == IndexVersion.State.DELETED
