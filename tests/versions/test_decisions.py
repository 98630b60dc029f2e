"""Hold, approve, discard, roll back: who may decide what, and what becomes of the versions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.contrib.admin.models import LogEntry

from experts.models import Expert
from experts.samples.generator import load_samples
from experts.samples.removal import remove_samples
from indexing import audit, encoders, runs
from indexing.audit import Actor
from indexing.errors import Busy, Refused, SchedulePaused, SnapshotInvalid
from indexing.lib import paths, processes
from indexing.models import IndexState, IndexVersion, Notification, Publication, RebuildRun, RunLogLine, SearchTest
from indexing.snapshot.baseline import Baseline
from indexing.versions import decisions, going_live, rollback_effect
from indexing.worker import execute, gate_evidence
from tests.support import cast, damage, version_cast
from tests.support.index_cast import FULL, built

pytestmark = pytest.mark.django_db(transaction=True)
State = RebuildRun.State
CAROL = Actor("carol", RebuildRun.Via.PAGE)


def rebuild() -> RebuildRun:
    claimed = runs.claim(processes.me(), runs.request("full", cast.command_actor()).pk)
    assert claimed is not None
    return execute.execute(claimed)


@pytest.fixture
def held() -> RebuildRun:
    """A version that lost too many experts, held; version 1 is live with 20."""
    cast.experts(20)
    rebuild()
    Expert.objects.filter(username__lte="expert-010").delete()
    return rebuild()


def live() -> int | None:
    return IndexState.read().live_version_id


def test_a_breach_holds_the_version_and_search_is_not_affected(held):
    assert held.state == State.HELD
    assert "10 of 20 experts" in held.error
    assert live() == 1
    assert IndexVersion.objects.get(pk=held.version_id).state == IndexVersion.State.HELD
    assert paths.version_folder(held.version_id).is_dir()


def test_the_report_names_lost_experts(held):
    lost = next(verdict for verdict in held.gate["verdicts"] if verdict["rule"] == "experts_lost")
    assert (lost["passed"], lost["value"], lost["limit"]) == (False, 0.5, 0.1)
    assert held.gate["lost_count"] == 10
    assert held.gate["lost"] == [f"Erin Number{n:03d} (expert-{n:03d})" for n in range(1, 11)]


def test_the_report_shows_ids_where_the_version_stored_no_names(monkeypatch):
    cast.experts(20)
    rebuild()
    gone = Expert.objects.get(username="expert-003")
    number = gone.pk
    gone.delete()
    monkeypatch.setattr(Baseline, "profiles_of", lambda version, ids: {})
    assert rebuild().gate["lost"] == [f"number {number} (deleted)"]


def test_samples_that_were_removed_at_once_are_not_lost():
    cast.experts(5)
    load_samples(20)
    rebuild()
    remove_samples()
    run = rebuild()
    assert run.state == State.DONE
    assert run.gate["lost_count"] == 0
    Expert.objects.get(username="expert-001").delete()
    assert rebuild().gate["lost"] == ["Erin Number001 (expert-001)"]


def test_holding_changes_neither_the_time_of_the_last_rebuild_nor_its_count(held):
    assert IndexState.read().expert_count_at_rebuild == 20


def test_a_held_version_is_published_with_a_reason(held):
    decisions.approve(held.version_id, CAROL, "They left the firm.")
    held.refresh_from_db()
    assert held.state == State.DONE
    assert live() == held.version_id
    assert IndexState.read().expert_count_at_rebuild == 10
    last = Publication.objects.first()
    assert (last.how, last.name, last.reason, last.until) == ("approved", "carol", "They left the firm.", None)
    assert Publication.objects.get(version_id=1).until == last.at


def test_a_held_version_is_discarded_with_a_reason_and_its_files_are_deleted(held):
    decisions.discard(held.version_id, CAROL, "A bad import.")
    held.refresh_from_db()
    assert held.state == State.DISCARDED
    assert "A bad import." in held.error
    assert live() == 1
    rebuild()
    assert not paths.version_folder(held.version_id).exists()


@pytest.mark.parametrize("decide", [decisions.approve, decisions.discard, decisions.roll_back])
def test_every_decision_needs_a_reason(held, decide):
    with pytest.raises(Refused, match="reason"):
        decide(held.version_id, CAROL, "  ")
    assert live() == 1


def test_what_is_not_held_is_neither_published_nor_discarded(held):
    for decide in (decisions.approve, decisions.discard):
        with pytest.raises(Refused, match="version 1 is live|Version 1 is live"):
            decide(1, CAROL, "Because.")
        with pytest.raises(Refused, match="no .*version 99"):
            decide(99, CAROL, "Because.")


def test_a_damaged_held_version_is_not_published(held):
    damage.replace(paths.version_folder(held.version_id) / "ids.npy", b"garbage")
    with pytest.raises(SnapshotInvalid, match="ids.npy"):
        decisions.approve(held.version_id, CAROL, "They left the firm.")
    assert live() == 1


def test_a_held_version_older_than_the_live_one_is_not_published(held, settings):
    settings.TCS_GATE_MAX_LOST = 1.0
    newer = rebuild()
    with pytest.raises(Refused, match="newer"):
        decisions.approve(held.version_id, CAROL, "They left the firm.")
    assert live() == newer.version_id


def test_with_approval_always_every_version_waits_for_another_person(settings):
    settings.TCS_APPROVE = "always"
    cast.experts(5)
    run = rebuild()
    assert run.state == State.HELD
    assert run.gate["passed"] is True
    with pytest.raises(Refused, match="somebody else must publish it"):
        decisions.approve(run.version_id, Actor(run.requested_name, RebuildRun.Via.PAGE), "Mine is fine.")
    decisions.approve(run.version_id, CAROL, "Looked at it.")
    assert live() == run.version_id


def test_a_search_test_that_no_longer_finds_its_expert_holds_the_version():
    people = cast.experts(8)
    baker = next(person for person in people if person.job_title == "Baker")
    query = SearchTest.objects.create(text="sourdough bread fermentation", k=1)
    query.expected.add(baker)
    assert rebuild().state == State.DONE
    Expert.objects.filter(pk=baker.pk).update(job_title="Retired", bio="Enjoys the garden.")
    Expert.objects.filter(pk=people[0].pk).update(bio="Sourdough bread fermentation all day.")
    run = rebuild()
    assert run.state == State.HELD
    assert baker.username in run.error
    (query,) = run.gate["queries"]
    assert query["missing"] == [baker.username]
    assert query["before"][0] == baker.username
    figures = run.version.test_figures
    assert (figures.tests, figures.failed, figures.compared_with) == (1, 1, 1)
    assert (figures.score, figures.score_before) == (query["score"], 1.0)
    assert figures.score < 1
    first = IndexVersion.objects.get(pk=1).test_figures
    assert (first.failed, first.score, first.compared_with, first.change) == (0, 1.0, None, None)


def test_the_gate_opens_whole_versions_for_search_tests_only(monkeypatch):
    people = cast.experts(6)
    rebuild()
    people[0].delete()
    made = built(replace(FULL, number=2, fence=2))

    def refused(*_arguments: object, **_options: object) -> None:
        raise AssertionError("a whole version was opened")

    monkeypatch.setattr(gate_evidence.Snapshot, "open", refused)
    found = gate_evidence.gather(made)
    assert (found.live_number, found.live_experts, found.experts) == (1, 6, 5)
    assert found.lost == ("Erin Number001 (expert-001)",)
    assert found.queries == ()


def test_the_gate_judges_the_directory_as_it_was_read():
    cast.experts(20)
    rebuild()
    query = SearchTest.objects.create(text="plays the lute", k=1)
    Expert.objects.create(username="lute", bio="Plays the lute.")
    made = built(replace(FULL, number=2, fence=2))
    Expert.objects.filter(username__lte="expert-010").delete()
    query.expected.add(Expert.objects.create(username="newcomer", bio="Plays the lute, too."))
    found = gate_evidence.gather(made)
    assert (found.experts, found.lost, found.gained) == (21, (), ("lute",))
    assert [outcome.missing for outcome in found.queries] == [()]
    query.expected.add(Expert.objects.get(username="expert-011"))
    assert [outcome.missing for outcome in gate_evidence.gather(made).queries] == [("expert-011",)]


@pytest.mark.parametrize("decide", [decisions.approve, decisions.roll_back, decisions.discard])
def test_a_decision_that_fails_halfway_changes_nothing(held, decide, monkeypatch, settings):
    """One transaction: whatever fails, at its very end too, takes all of it back."""
    settings.TCS_NOTIFY_EMAILS = ["ops@example.org"]
    number = held.version_id
    if decide == decisions.roll_back:
        decisions.approve(number, CAROL, "They left the firm.")
        number = 1
    before = everything()
    monkeypatch.setattr(decisions.audit, "record", lambda *_, **__: pytest.fail("The database went away."))
    with pytest.raises(pytest.fail.Exception):
        decide(number, CAROL, "Bad tags.")
    assert everything() == before


def everything() -> list[list[dict[str, object]]]:
    kinds = (IndexState, IndexVersion, RebuildRun, Publication, Notification)
    return [list(kind.objects.order_by("pk").values()) for kind in kinds]


def test_rolling_back_makes_a_kept_version_live_without_encoding(settings):
    cast.experts(4)
    first = rebuild()
    Expert.objects.create(username="new", job_title="Glazier")
    second = rebuild()
    before = IndexState.read()
    encoders.loaded().encoded.clear()
    decisions.roll_back(first.version_id, CAROL, "The new one finds nobody.")
    assert live() == first.version_id
    assert encoders.loaded().encoded == []
    assert IndexVersion.objects.get(pk=second.version_id).state == IndexVersion.State.KEPT
    after = IndexState.read()
    assert after.last_rebuild_at == before.last_rebuild_at
    assert after.expert_count_at_rebuild == 5


def test_the_effect_of_a_rollback_is_known_before_it():
    people = cast.experts(6)
    first = rebuild()
    Expert.objects.create(username="new", job_title="Glazier")
    Expert.objects.filter(pk=people[0].pk).update(bio="Another life.")
    people[1].delete()
    Expert.objects.filter(pk=people[2].pk).update(is_active=False)
    settings_state = rebuild_anyway()
    effect = rollback_effect.rollback_effect(first.version_id)
    assert (effect.hidden, effect.older_texts, effect.still_hidden) == (1, 1, 2)
    assert live() == settings_state.version_id


def test_a_rollback_to_another_model_changes_no_text_and_names_the_model(settings):
    cast.experts(6)
    first = rebuild()
    settings.TCS_ENCODER = "tests.support.fakes.OtherHashEncoder"
    encoders.reset()
    rebuild()
    effect = rollback_effect.rollback_effect(first.version_id)
    assert (effect.hidden, effect.older_texts, effect.still_hidden) == (0, 0, 0)
    assert "use the earlier model, hash-encoder" in effect.sentence


def rebuild_anyway() -> RebuildRun:
    run = rebuild()
    if run.state == State.HELD:
        decisions.approve(run.version_id, CAROL, "It is meant so.")
    return run


def test_after_a_rollback_scheduled_rebuilds_are_paused_until_resumed():
    cast.experts(4)
    first = rebuild()
    rebuild()
    decisions.roll_back(first.version_id, CAROL, "Bad tags.")
    with pytest.raises(SchedulePaused, match="Bad tags"):
        runs.request("full", cast.command_actor("cron"), scheduled=True)
    assert decisions.resume_schedule(CAROL)
    assert not decisions.resume_schedule(CAROL)
    assert runs.request("full", cast.command_actor("cron"), scheduled=True).scheduled


def test_no_rollback_while_a_run_would_undo_it():
    cast.experts(4)
    first = rebuild()
    rebuild()
    runs.request("full", cast.command_actor())
    with pytest.raises(Busy):
        decisions.roll_back(first.version_id, CAROL, "Bad tags.")


def test_a_damaged_version_is_not_rolled_back_to():
    cast.experts(4)
    first, second = rebuild(), rebuild()
    damage.flip_bit(paths.version_folder(first.version_id) / "vectors.npy")
    with pytest.raises(SnapshotInvalid, match="vectors.npy"):
        decisions.roll_back(first.version_id, CAROL, "Bad tags.")
    assert live() == second.version_id


def test_decisions_are_audited_and_notified(settings):
    settings.TCS_NOTIFY_EMAILS = ["ops@example.org"]
    cast.experts(4)
    first = rebuild()
    rebuild()
    user = cast.staff(username="carol")
    decisions.roll_back(first.version_id, Actor("carol", RebuildRun.Via.PAGE, user=user, address="192.0.2.1"), "Bad.")
    entry = LogEntry.objects.get(user=user)
    assert audit.sentence(entry, by=True) == "Rolled back to version 1: Bad. [carol (page, 192.0.2.1)]"
    assert entry.object_repr == "Rolled back to version 1: Bad.", "for people with a shell"
    assert Notification.objects.first().event == "index.rolled_back"


@pytest.mark.parametrize(
    ("state", "owner_lives", "lacks"),
    [
        ("none", True, True),
        ("failed", True, True),
        ("computing", False, True),
        ("computing", True, False),
        ("done", False, False),
    ],
)
def test_after_a_rollback_a_missing_map_is_computed_by_one_process(state, owner_lives, lacks):
    cast.experts(4)
    first = rebuild().version_id
    rebuild()
    gone = processes.Owner(processes.me().host, processes.boot_id(), processes.me().pid, "0")
    owner = processes.me() if owner_lives else gone
    IndexVersion.objects.filter(pk=first).update(map_state=state, map_owner=owner.as_text())
    decisions.roll_back(first, CAROL, "Bad tags.")
    version = IndexState.read().live_version
    assert version.map_owner_missing is lacks
    if lacks:
        rival = IndexVersion.objects.get(pk=first)
        assert version.assign_map(processes.me())
        assert not rival.assign_map(processes.me())
        assert not version.map_owner_missing


def said(number: int) -> list[tuple[str, str]]:
    """Level and text of what the log of the run of that version says of decisions."""
    lines = RunLogLine.objects.filter(run__version=number, message__contains="carol").order_by("pk")
    return list(lines.values_list("level", "message"))


def test_a_decision_is_in_the_log_of_the_run_that_it_is_about(held):
    decisions.approve(held.version_id, CAROL, "They left.")
    assert said(2) == [("info", "Published by carol: They left.")]
    decisions.roll_back(1, CAROL, "They are back.")
    decisions.undo(Publication.objects.current().pk, CAROL)
    assert said(2)[1:] == [
        ("warning", "Rolled back by carol: version 1 is live instead (They are back)."),
        ("info", "Version 2 is live again, by carol."),
    ]
    assert said(1) == []


def test_after_each_publication_the_alias_follows_and_may_fail(monkeypatch):
    version_cast.two_versions()
    followed: list[int | None] = []

    def follow() -> None:
        followed.append(live())
        raise OSError("Milvus is away.")

    monkeypatch.setattr(going_live.collections, "follow_live", follow)
    decisions.roll_back(1, CAROL, "They are back.")
    assert (followed, live()) == ([1], 1)
