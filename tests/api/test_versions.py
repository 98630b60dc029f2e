"""Versions over the API: listed, published, discarded, rolled back, with a reason."""

from __future__ import annotations

import pytest

from indexing import runs
from indexing.lib import paths
from indexing.models import IndexState, IndexVersion, Publication
from indexing.versions import free_memory
from tests.support import cast, damage, version_cast
from tests.support.version_cast import live

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("external_workers")]

VERSIONS = "/api/admin/versions"
RELEASE = "/api/admin/schedule/release"
DECISIONS = ("publish", "discard", "rollback")


def post(client, path: str, body: object = None):
    return client.post(path, {} if body is None else body, content_type="application/json")


def decide(client, number: int, what: str, reason: str = "They left the firm."):
    return post(client, f"{VERSIONS}/{number}/{what}", {"reason": reason})


def test_versions_are_listed_with_their_publications(publisher):
    version_cast.rolled_back()
    listed = publisher.get(VERSIONS).json()
    assert (listed["live"], listed["schedule_on_hold"], listed["next"]) == (1, True, None)
    assert [(each["version"], each["state"], each["experts"]) for each in listed["versions"]] == [
        (2, "kept", 9),
        (1, "live", 8),
    ]
    back, first = listed["versions"][1]["publications"]
    assert (back["how"], back["by"], back["reason"], back["until"]) == ("rollback", "carol", "It finds nobody.", None)
    assert (first["how"], first["until"]) == ("run", pytest.approx(Publication.objects.get(version=2).at.timestamp()))


def test_the_list_comes_in_pages(publisher):
    version_cast.two_versions()
    listed = publisher.get(VERSIONS, {"limit": 1}).json()
    assert [each["version"] for each in listed["versions"]] == [2]
    listed = publisher.get(VERSIONS, {"limit": 1, "before": listed["next"]}).json()
    assert ([each["version"] for each in listed["versions"]], listed["next"]) == ([1], None)


def test_a_held_version_is_published(publisher):
    version_cast.held()
    answer = decide(publisher, 2, "publish")
    assert (answer.status_code, answer.json()) == (200, {"version": 2, "state": "live", "live": 2})
    last = Publication.objects.first()
    assert (last.how, last.name, last.reason) == ("approved", "carol", "They left the firm.")


def test_a_held_version_is_discarded(publisher):
    version_cast.held()
    assert decide(publisher, 2, "discard").json() == {"version": 2, "state": "deleted", "live": 1}


def test_a_kept_version_is_rolled_back_to_and_the_schedule_released(publisher):
    version_cast.two_versions()
    assert decide(publisher, 1, "rollback").json() == {"version": 1, "state": "live", "live": 1}
    assert IndexState.read().schedule_paused_at
    assert post(publisher, RELEASE).json() == {"released": True}
    assert post(publisher, RELEASE).json() == {"released": False}
    assert IndexState.read().schedule_paused_at is None


@pytest.mark.parametrize("what", DECISIONS)
@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "  \n"}, {"reason": "a\0b"}, {"reason": "x" * 2001}])
def test_without_a_good_reason_it_is_422_and_names_the_field(publisher, what, body):
    version_cast.held()
    answer = post(publisher, f"{VERSIONS}/2/{what}", body)
    assert (answer.status_code, list(answer.json()["fields"])) == (422, ["reason"])
    assert live() == 1


def test_what_the_rules_refuse_is_409_with_the_sentence(publisher):
    version_cast.two_versions()
    for number, what, sentence in ((2, "publish", "live, not held"), (2, "rollback", "live, not kept")):
        answer = decide(publisher, number, what)
        assert answer.status_code == 409
        assert sentence in answer.json()["detail"]


def test_a_damaged_version_is_409_and_names_the_file(publisher):
    version_cast.held()
    damage.replace(paths.version_folder(2) / "ids.npy", b"garbage")
    answer = decide(publisher, 2, "publish")
    assert answer.status_code == 409
    assert "ids.npy" in answer.json()["detail"]


@pytest.mark.parametrize(("prepare", "number", "what"), [("held", 2, "publish"), ("two_versions", 1, "rollback")])
def test_too_little_memory_is_503(publisher, monkeypatch, prepare, number, what):
    getattr(version_cast, prepare)()
    before = live()
    monkeypatch.setattr(free_memory, "room", lambda: 1_000)
    answer = decide(publisher, number, what)
    assert (answer.status_code, live()) == (503, before)
    assert f"not enough memory to open version {number}" in answer.json()["detail"]


def test_a_rollback_under_a_run_is_409_and_names_the_run(publisher):
    version_cast.two_versions()
    run = runs.request("full", cast.command_actor("otto"))
    answer = decide(publisher, 1, "rollback")
    assert (answer.status_code, answer.json()["run"]) == (409, run.pk)
    assert "otto" in answer.json()["sentence"]
    assert live() == 2


@pytest.mark.parametrize("what", DECISIONS)
def test_an_unknown_version_is_404(publisher, what):
    answer = decide(publisher, 99, what)
    assert (answer.status_code, answer.json()["detail"]) == (404, "There is no version 99.")


@pytest.mark.parametrize("path", [f"{VERSIONS}/1/{what}" for what in DECISIONS] + [RELEASE])
def test_only_who_may_publish_decides(client, path):
    client.force_login(cast.staff("indexing.view", "indexing.rebuild", "indexing.cancel"))
    version_cast.two_versions()
    answer = post(client, path, {"reason": "Because."})
    assert answer.status_code == 403
    assert "indexing.publish" in answer.json()["detail"]
    assert IndexVersion.objects.get(pk=1).state == "kept"


def test_a_run_in_full_has_the_gate_s_report_and_the_list_leaves_it_out(publisher):
    run = version_cast.held()
    gate = publisher.get(f"/api/admin/ingest/runs/{run.pk}").json()["gate"]
    assert (gate["passed"], gate["live_number"], gate["lost_count"], len(gate["lost"])) == (False, 1, 10, 10)
    lost = next(verdict for verdict in gate["verdicts"] if verdict["rule"] == "experts_lost")
    assert (lost["value"], lost["limit"], lost["passed"]) == (0.5, 0.1, False)
    assert "gate" not in publisher.get("/api/admin/ingest/runs").json()["runs"][0]


def test_a_run_that_reached_no_gate_has_no_report(publisher):
    cast.experts(3)
    run = cast.rebuild("tags")
    assert publisher.get(f"/api/admin/ingest/runs/{run.pk}").json()["gate"] is None
