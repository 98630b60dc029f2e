"""Runs over the API: start, watch, follow the log, cancel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from indexing import runlog, runs
from indexing.lib import processes
from indexing.models import IndexState, RebuildRun
from indexing.models.run_records import StageRecord
from tests.support import cast

pytestmark = pytest.mark.django_db

STATUS = "/api/admin/ingest/status"
START = "/api/admin/ingest/run"


@pytest.fixture(autouse=True)
def _workers_are_started_by_nobody(settings):
    """A requested run stays queued: the test decides about its state."""
    settings.TCS_WORKER = "external"


@pytest.fixture
def operator(client):
    user = cast.staff("indexing.view", "indexing.rebuild")
    client.force_login(user)
    return user


@pytest.fixture
def viewer(client):
    user = cast.staff("indexing.view")
    client.force_login(user)
    return user


def outcome(experts: int, stages: list | None = None) -> runs.BuildOutcome:
    return runs.BuildOutcome(experts=experts, encoded=2, reused=experts - 2, peak_mb=321, stages=stages or [])


def ask(kind: str = "full") -> RebuildRun:
    return runs.request(kind, cast.command_actor())


def running(kind: str = "full") -> RebuildRun:
    ask(kind)
    run = runs.claim(processes.me())
    assert run is not None
    return run


class TestStarting:
    def test_without_a_body_it_is_a_full_rebuild(self, client, operator):
        answer = client.post(START, content_type="application/json")
        run = RebuildRun.objects.get()
        assert (answer.status_code, answer.json()) == (202, {"status": "started", "run": run.pk})
        assert (run.kind, run.reembed, run.state) == ("full", False, "queued")
        assert (run.requested_by, run.requested_name, run.via) == (operator, "sam", "api")

    def test_the_body_says_what_kind(self, client, operator):
        body = {"kind": "tags", "reembed": True}
        assert client.post(START, body, content_type="application/json").status_code == 202
        run = RebuildRun.objects.get()
        assert (run.kind, run.reembed) == ("tags", True)

    def test_an_empty_object_is_as_good_as_no_body(self, client, operator):
        assert client.post(START, "{}", content_type="application/json").status_code == 202

    def test_a_second_request_names_the_running_run(self, client, operator):
        first = ask("tags")
        answer = client.post(START, content_type="application/json")
        assert answer.status_code == 409
        assert answer.json()["detail"] == "Ingest job already running"
        assert answer.json()["run"] == first.pk
        assert "operator" in answer.json()["sentence"]
        assert RebuildRun.objects.count() == 1

    @pytest.mark.parametrize(
        ("body", "field"), [('{"kind": "half"}', "kind"), ('{"reembed": "maybe"}', "reembed"), ("{", "body")]
    )
    def test_a_wrong_body_is_422_and_starts_nothing(self, client, operator, body, field):
        answer = client.post(START, body, content_type="application/json")
        assert answer.status_code == 422
        assert list(answer.json()["fields"]) == [field]
        assert not RebuildRun.objects.exists()


class TestStatus:
    def test_before_any_run_it_is_idle(self, client, viewer):
        assert client.get(STATUS).json() == {
            "status": "idle",
            "log": "",
            "error": None,
            "started_at": None,
            "last_rebuild_at": None,
            "expert_count_at_rebuild": None,
            "run": None,
            "state": None,
            "stage": None,
            "progress": None,
            "version": None,
            "drift": {
                "grade": "never",
                "sentence": "No version is live yet, so no expert can be found.",
                "version": None,
                "built_at": None,
                "as_of": None,
                "count": None,
                "share": None,
                "added": None,
                "changed": None,
                "removed": None,
                "fields": None,
                "synonyms": None,
            },
        }

    def test_a_queued_run_is_running_to_the_outside(self, client, viewer):
        run = ask()
        now = client.get(STATUS).json()
        assert (now["status"], now["state"], now["run"], now["started_at"]) == ("running", "queued", run.pk, None)

    def test_a_running_one_tells_how_far_it_is(self, client, viewer):
        run = running()
        runs.beat(run, stage="embed", rate=3.0, done=30, total=120)
        runlog.append(run.pk, "thirty are done", stage="embed")
        now = client.get(STATUS).json()
        assert (now["status"], now["state"], now["stage"]) == ("running", "running", "embed")
        assert now["started_at"] == run.started_at.timestamp()
        assert (now["progress"]["done"], now["progress"]["total"], now["progress"]["percent"]) == (30, 120, 25)
        assert now["progress"]["rate"] == 3.0
        assert "thirty are done" in now["log"]

    def test_a_failed_one_is_an_error_with_its_sentence(self, client, viewer):
        runs.fail(running(), "The disk is full.")
        now = client.get(STATUS).json()
        assert (now["status"], now["state"], now["error"]) == ("error", "failed", "The disk is full.")
        assert now["progress"] is None

    def test_a_cancelled_one_is_an_error_that_says_so(self, client, viewer):
        run = ask()
        runs.cancel(run.pk, cast.command_actor())
        now = client.get(STATUS).json()
        assert (now["status"], now["state"]) == ("error", "cancelled")
        assert "operator" in now["error"]

    def test_one_whose_worker_died_is_an_error_at_the_next_look(self, client, viewer):
        gone = processes.Owner(processes.me().host, "an earlier boot", 1, "1")
        run = runs.request("full", cast.command_actor(), owner=gone)
        now = client.get(STATUS).json()
        assert (now["run"], now["status"], now["state"]) == (run.pk, "error", "crashed")

    def test_only_a_published_rebuild_changes_the_two_last_fields(self, client, viewer):
        runs.publish(running(), outcome(experts=7))
        published = client.get(STATUS).json()
        assert published["status"] == "done"
        assert published["expert_count_at_rebuild"] == 7
        assert published["last_rebuild_at"] == IndexState.read().last_rebuild_at.timestamp()
        assert published["version"] == IndexState.read().live_version_id

        runs.complete(running("tags"), outcome(experts=9))
        runs.fail(running(), "No.")
        later = client.get(STATUS).json()
        assert later["status"] == "error"
        for name in ("last_rebuild_at", "expert_count_at_rebuild", "version"):
            assert later[name] == published[name]

    def test_the_log_is_the_tail_of_the_latest_run_and_at_most_64_kib(self, client, viewer):
        runs.fail(running(), "No.")
        run = running()
        line = runlog.Line(datetime.now(UTC), "info", "embed", "é" * 500)
        runlog.write(run.pk, [line] * 200)
        runlog.append(run.pk, "the very last line")
        log = client.get(STATUS).json()["log"]
        assert 60_000 < len(log.encode()) <= 64 * 1024
        assert log.endswith("the very last line\n")
        assert "No." not in log


class TestRuns:
    def test_the_newest_come_first_and_pages_follow_each_other(self, client, viewer):
        made = []
        for _ in range(5):
            run = ask("tags")
            runs.fail(run, "No.")
            made.append(run.pk)
        seen, before = [], None
        while True:
            page = client.get("/api/admin/ingest/runs", {"limit": 2} | ({"before": before} if before else {})).json()
            assert len(page["runs"]) <= 2
            seen += [run["run"] for run in page["runs"]]
            before = page["next"]
            if before is None:
                break
        assert seen == made[::-1]

    def test_one_run_in_full(self, client, viewer):
        run = running()
        stages = [{"stage": "snapshot", "seconds": 0.5, "done": 7, "rate": 14.0, "summary": "7 in 0.5 s (14/s)"}]
        runs.publish(run, outcome(experts=7, stages=[StageRecord.from_row(stage) for stage in stages]))
        shown = client.get(f"/api/admin/ingest/runs/{run.pk}").json()
        assert (shown["run"], shown["kind"], shown["status"], shown["state"]) == (run.pk, "full", "done", "done")
        assert (shown["requested_by"], shown["via"], shown["error"]) == ("operator", "command", None)
        assert (shown["experts"], shown["encoded"], shown["reused"], shown["peak_mb"]) == (7, 2, 5, 321)
        assert shown["stages"] == stages
        assert shown["version"] == IndexState.read().live_version_id
        assert shown["created_at"] <= shown["started_at"] <= shown["finished_at"]

    @pytest.mark.parametrize("path", ["", "/log"])
    def test_one_that_is_not_there_is_404(self, client, viewer, path):
        answer = client.get(f"/api/admin/ingest/runs/12345{path}")
        assert answer.status_code == 404
        assert "12345" in answer.json()["detail"]


class TestLog:
    def follow(self, client, run: RebuildRun, after: int = 0, **more: int) -> dict:
        return client.get(f"/api/admin/ingest/runs/{run.pk}/log", {"after": after, **more}).json()

    def test_whoever_follows_the_cursor_gets_every_line_once(self, client, viewer):
        run = running()
        for number in range(7):
            runlog.append(run.pk, f"line {number}", level="warning", stage="embed")
        seen: list[dict] = []
        while (page := self.follow(client, run, seen[-1]["seq"] if seen else 0, limit=3))["lines"]:
            assert page["next"] == page["lines"][-1]["seq"]
            seen += page["lines"]
        assert [line["seq"] for line in seen] == list(range(1, len(seen) + 1))
        assert [line["message"] for line in seen[1:]] == [f"line {number}" for number in range(7)]
        assert {(line["level"], line["stage"]) for line in seen[1:]} == {("warning", "embed")}
        assert page == {"lines": [], "next": seen[-1]["seq"], "end": False}

    def test_the_end_is_said_only_when_a_worker_can_have_written_its_last_line(self, client, viewer):
        run = running()
        runs.fail(run, "No.")
        assert self.follow(client, run)["end"] is False
        RebuildRun.objects.update(finished_at=timezone.now() - timedelta(seconds=10))
        assert self.follow(client, run)["end"] is True
        assert self.follow(client, run, limit=1)["end"] is False


class TestCancelling:
    def test_a_queued_run_is_cancelled_at_once(self, client, operator):
        run = ask()
        answer = client.post(f"/api/admin/ingest/runs/{run.pk}/cancel")
        assert (answer.status_code, answer.json()) == (202, {"status": "cancelled", "run": run.pk})
        run.refresh_from_db()
        assert run.state == "cancelled"
        assert "sam" in run.error

    def test_a_running_one_is_asked_to_stop(self, client):
        client.force_login(cast.staff("indexing.cancel"))
        run = running()
        answer = client.post(f"/api/admin/ingest/runs/{run.pk}/cancel")
        assert (answer.status_code, answer.json()) == (202, {"status": "cancelling", "run": run.pk})
        assert runs.beat(run) is True

    def test_one_that_has_ended_is_409(self, client, operator):
        run = ask()
        runs.fail(run, "No.")
        answer = client.post(f"/api/admin/ingest/runs/{run.pk}/cancel")
        assert answer.status_code == 409
        assert str(run.pk) in answer.json()["detail"]

    def test_one_that_is_not_there_is_404(self, client, operator):
        assert client.post("/api/admin/ingest/runs/99/cancel").status_code == 404
