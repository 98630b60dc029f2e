"""A database of the release before messages were stored and states had one word each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from indexing.models import IndexState, IndexVersion, RebuildRun, SearchTest

BEFORE = ("indexing", "0009_drift_samples")
RUNS = {"error": "failed", "lost": "crashed", "done": "done", "held": "held", "cancelled": "cancelled"}
VERSIONS = {"retired": "kept", "removed": "deleted", "live": "live"}


def migrate(*targets: tuple[str, str]) -> Any:
    """Migrate to `targets`; returns the models as they are there."""
    return MigrationExecutor(connection).migrate(list(targets)).apps


def upgrade() -> None:
    migrate(*MigrationExecutor(connection).loader.graph.leaf_nodes())


@pytest.fixture
def earlier() -> Iterator[Any]:
    yield migrate(BEFORE)
    upgrade()


@pytest.fixture
def crashed() -> int:
    """A run in today's words, made before the way back."""
    return RebuildRun.objects.create(kind="full", state=RebuildRun.State.CRASHED).pk


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_rows_of_the_earlier_release_are_read_in_the_new_words_and_back(crashed: int, earlier: Any) -> None:
    old_run, old_version, old_line, old_state = (
        earlier.get_model("indexing", name) for name in ("RebuildRun", "IndexVersion", "RunLogLine", "IndexState")
    )
    assert old_run.objects.get(pk=crashed).state == "lost"
    stage = {"stage": "embed", "seconds": 2.0, "done": 3, "rate": 1.5, "summary": "Encoded 3."}
    runs = {
        state: old_run.objects.create(kind="full", state=state, error="The disk was full.", stages=[stage]).pk
        for state in RUNS
    }
    discarded = old_run.objects.create(kind="full", state="cancelled", experts=5).pk
    for number, state in enumerate(VERSIONS, 1):
        old_version.objects.create(
            number=number, state=state, pinned_at=timezone.now() if state == "retired" else None
        )
    old_line.objects.create(run_id=crashed, seq=1, message="Worker started.")
    old_state.objects.update_or_create(pk=1, defaults={"schedule_held_name": "carol"})
    upgrade()
    assert {old: RebuildRun.objects.get(pk=pk).state for old, pk in runs.items()} == RUNS
    assert RebuildRun.objects.get(pk=discarded).state == RebuildRun.State.DISCARDED
    versions = IndexVersion.objects.order_by("number")
    assert [version.state for version in versions] == list(VERSIONS.values())
    assert versions.exclude(pinned_at=None).get().state == IndexVersion.State.KEPT
    run = RebuildRun.objects.get(pk=runs["error"])
    assert run.error_text == "The disk was full."
    assert [record.summary_text for record in run.stage_records] == ["Encoded 3."]
    crash = RebuildRun.objects.get(pk=crashed)
    assert crash.state == RebuildRun.State.CRASHED
    assert [line.text for line in crash.lines.all()] == ["Worker started."]
    with connection.cursor() as cursor:
        cursor.execute("SELECT schedule_paused_name FROM indexing_indexstate WHERE id = 1")
        assert cursor.fetchone() == ("carol",)


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("live", "pause"), [(1, (2, 1)), (3, None)])
def test_a_pause_learns_its_rollback_and_ends_if_another_version_is_live(live: int, pause: Any) -> None:
    apps = migrate(("indexing", "0015_sign_ins_and_clean_up"))
    state, version, publication = (
        apps.get_model("indexing", name) for name in ("IndexState", "IndexVersion", "Publication")
    )
    rolled_back_at, now = timezone.now() - timedelta(hours=1), timezone.now()
    for number in (1, 2, 3):
        version.objects.create(number=number, state="live" if number == live else "kept")
    publication.objects.create(version_id=2, how="run", at=now - timedelta(days=1), until=rolled_back_at)
    publication.objects.create(version_id=1, how="rollback", at=rolled_back_at)
    state.objects.update_or_create(
        pk=1, defaults={"schedule_paused_at": rolled_back_at, "schedule_paused_name": "c", "live_version_id": live}
    )
    upgrade()
    now_paused = IndexState.read()
    assert (now_paused.schedule_paused_at is not None) == (pause is not None)
    assert pause in (None, (now_paused.rolled_back_from, now_paused.rolled_back_to))


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_who_might_edit_saved_queries_may_edit_search_tests() -> None:
    earlier = migrate(("indexing", "0017_data_folder"), ("auth", "0012_alter_user_first_name_max_length"))
    try:
        query = earlier.get_model("indexing", "SavedQuery").objects.create(text="bread", k=3)
        query.expected.add(earlier.get_model("experts", "Expert").objects.create(username="ann").pk)
        old = Permission.objects.get(codename="change_savedquery")
        group = Group.objects.create(name="Testers")
        group.permissions.add(old)
    finally:
        upgrade()
    create_permissions(apps.get_app_config("indexing"), verbosity=0)
    ed = User.objects.create_user("ed")
    ed.groups.add(group)
    assert ed.has_perm("indexing.change_searchtest")
    assert not Permission.objects.filter(codename__endswith="savedquery").exists()
    test = SearchTest.objects.get()
    assert (test.text, test.k, test.expected.get().username) == ("bread", 3, "ann")
