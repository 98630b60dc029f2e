"""The worker records a true outcome, whatever happens to the build."""

from __future__ import annotations

import re
import threading
from types import SimpleNamespace

import pytest
from django.utils import translation

from experts.models import Expert, ExpertTag
from indexing import encoders, runs
from indexing.lib import paths, processes
from indexing.models import IndexState, IndexVersion, RebuildRun
from indexing.worker import execute, reporter
from indexing.worker.reporter import RunReporter
from indexing.worker.signals import Interruption
from tests.support import cast, fakes
from tests.support.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
State = RebuildRun.State


def rebuild(kind: str = "full", *, reembed: bool = False, **options: object) -> RebuildRun:
    requested = runs.request(kind, cast.command_actor(), reembed=reembed)
    claimed = runs.claim(processes.me(), requested.pk)
    assert claimed is not None
    return execute.execute(claimed, **options)


def messages(run: RebuildRun, level: str | None = None) -> str:
    lines = run.lines.filter(level=level) if level else run.lines.all()
    return "\n".join(lines.values_list("message", flat=True))


def folders() -> list[str]:
    return sorted(path.name for path in paths.versions_folder().iterdir())


def test_a_full_run_publishes_a_version_and_says_what_every_stage_did():
    cast.experts(12)
    run = rebuild()
    assert (run.state, run.experts, run.encoded, run.reused) == (State.DONE, 12, 12, 0)
    assert [stage["stage"] for stage in run.stages] == list(run.stage_names)
    assert IndexState.read().live_version_id == run.version_id
    assert folders() == [f"{run.version_id:06d}"]
    text = messages(run)
    for label in ("Read 12 active experts", "encoded the profiles of 12 experts", "is live with 12 experts"):
        assert label in text
    assert run.peak_mb > 0
    embed = run.stages[1]
    assert 0 <= embed["lead"] <= embed["seconds"]
    assert embed["pace"] > 0


def test_unchanged_texts_cost_no_encoding():
    people = cast.experts(12)
    rebuild()
    Expert.objects.filter(pk=people[0].pk).update(bio="Now restores church organs.")
    encoders.loaded().encoded.clear()
    run = rebuild()
    assert (run.encoded, run.reused) == (1, 11)
    encoded = encoders.loaded().encoded
    assert [text for text in encoded if "organs" in text]
    assert not [text for text in encoded if "Case" in text]  # the bios of all others


def test_reembed_encodes_every_text_again():
    cast.experts(12)
    rebuild()
    run = rebuild(reembed=True)
    assert (run.encoded, run.reused) == (12, 0)


def test_a_tags_run_tags_and_makes_no_version():
    people = cast.experts(12)
    rebuild()
    before = IndexState.read()
    ExpertTag.objects.all().delete()
    Expert.objects.filter(pk=people[0].pk).update(tagged_for="")
    run = rebuild("tags")
    assert (run.state, run.version) == (State.DONE, None)
    assert [stage["stage"] for stage in run.stages] == ["snapshot", "embed", "tag"]
    after = IndexState.read()
    assert (after.live_version, after.last_rebuild_at) == (before.live_version, before.last_rebuild_at)
    assert folders() == [f"{before.live_version_id:06d}"]


def test_zero_experts_are_refused_and_the_live_version_stays():
    cast.experts(3)
    live = rebuild().version_id
    Expert.objects.active().deactivate()
    run = rebuild()
    assert run.state == State.FAILED
    assert "no active experts" in run.error
    assert IndexState.read().live_version_id == live
    assert folders() == [f"{live:06d}"]


def test_an_unexpected_error_leaves_its_sentence_in_the_run_and_its_traceback_in_the_log(monkeypatch):
    cast.experts(3)
    live = rebuild().version_id

    def explode(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("the cat walked over the keyboard")

    monkeypatch.setattr(execute.pipeline, "build", explode)
    run = rebuild()
    assert run.state == State.FAILED
    assert "the cat walked over the keyboard" in run.error
    assert "Traceback" in messages(run, "error")
    assert run.lines.last().message == run.error
    assert IndexState.read().live_version_id == live


def test_cancelling_stops_the_build_between_two_batches_and_leaves_nothing(monkeypatch):
    cast.experts(40)
    encode = fakes.HashEncoder.encode

    def slow(self, texts, *role, progress=None):
        def cancel(count: int) -> None:
            runs.cancel(RebuildRun.objects.active().get().pk, cast.command_actor("carol"))
            reporters[0].beat()
            progress(count)

        return encode(self, texts, progress=cancel)

    reporters: list[RunReporter] = []
    enter = RunReporter.__enter__
    monkeypatch.setattr(RunReporter, "__enter__", lambda self: reporters.append(self) or enter(self))
    monkeypatch.setattr(fakes.HashEncoder, "encode", slow)
    run = rebuild(reembed=True)
    assert run.state == State.CANCELLED
    assert "carol" in run.error
    assert run.stage == "embed"
    assert folders() == []
    assert not IndexVersion.objects.exists()


def test_a_late_heartbeat_does_not_write_the_stage_before_over_the_next(monkeypatch):
    written, late_began, go_on = [], threading.Event(), threading.Event()

    def beat(_run, *, stage, **_progress) -> bool:
        if threading.current_thread() is late:
            late_began.set()
            go_on.wait(10)
        written.append(stage)
        return False

    monkeypatch.setattr(runs, "beat", beat)
    writer = RunReporter(RebuildRun(), SimpleNamespace(stage=""), Interruption(), None)
    late = threading.Thread(target=writer.beat)
    with writer.stage("embed"):
        late.start()
        assert late_began.wait(10)
        threading.Timer(0.2, go_on.set).start()
    with writer.stage("vectors"):
        pass
    late.join()
    assert written[-1] == "vectors"


def test_a_signal_ends_the_run_as_cancelled_and_names_it():
    cast.experts(3)
    interruption = Interruption()
    interruption.signal = "SIGTERM"
    run = rebuild(interruption=interruption)
    assert run.state == State.CANCELLED
    assert "SIGTERM" in run.error


def test_a_run_lost_while_it_builds_publishes_nothing(monkeypatch):
    cast.experts(3)
    publish = runs.publish

    def too_late(run: RebuildRun, outcome: runs.BuildOutcome) -> None:
        runs.mark_crashed(RebuildRun.objects.get(pk=run.pk), "Nothing was heard of the worker.")
        publish(run, outcome)

    monkeypatch.setattr(runs, "publish", too_late)
    run = rebuild()
    assert run.state == State.CRASHED
    assert IndexState.read().live_version is None
    assert folders() == []


def test_progress_is_shown_with_done_and_total():
    cast.experts(12)
    shown: list[tuple[str, int, int]] = []
    rebuild(show=lambda stage, done, total: shown.append((stage, done, total)))
    assert ("embed", 8, 12) in shown
    assert ("embed", 12, 12) in shown


def test_a_long_stage_says_in_the_log_how_far_it_is(monkeypatch):
    cast.experts(40)
    encode = fakes.HashEncoder.encode
    monkeypatch.setattr(reporter, "LINE_SECONDS", 0.1)
    active = RebuildRun.objects.active()

    def slow(self, texts, *role, progress=None):
        def wait(count: int) -> None:
            progress(count)
            if fakes.BATCH < len(self.encoded) < 40:  # the pace is known from the second batch on
                until(lambda: active.get().lines.filter(message__startswith=f"{len(self.encoded)} of 40").exists())

        if not self.encoded:
            until(lambda: active.get().lines.filter(message__regex=r"^Preparing, \d+ s so far$").exists())
        return encode(self, texts, progress=wait if progress else None)

    monkeypatch.setattr(fakes.HashEncoder, "encode", slow)
    run = rebuild(reembed=True)
    lines = run.lines.filter(stage="embed", message__contains=" of 40 · ")
    shown = {re.sub(r"[\d.,]+/s", "N/s", line.message) for line in lines}
    assert shown >= {f"{done} of 40 · N/s · a few seconds left" for done in (16, 24, 32)}
    with translation.override("nl"):
        assert "a few seconds" not in lines[0].text


def test_only_the_last_versions_are_kept(settings):
    settings.TCS_KEEP_VERSIONS = 2
    cast.experts(3)
    numbers = [rebuild().version_id for _ in range(4)]
    assert folders() == [f"{number:06d}" for number in numbers[-2:]]
