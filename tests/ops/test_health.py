"""Health checks for load balancers and monitors."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection

from indexing import encoders
from indexing.lib import paths, pulse
from indexing.serving import live
from tests.support import cast

pytestmark = pytest.mark.django_db(transaction=True)


def readiness(client) -> tuple[int, str, dict]:
    answer = client.get("/readyz")
    return answer.status_code, answer.json()["status"], answer.json()["checks"]


def test_the_process_answers_without_the_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-cache" in answer["Cache-Control"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_only_reading_is_allowed(client, path):
    assert client.post(path).status_code == 405
    assert client.head(path).status_code in (200, 503)


def test_ready_with_a_version_and_a_model(client):
    snapshot = cast.published()
    encoders.loaded()
    code, status, checks = readiness(client)
    assert (code, status) == (200, "ready")
    assert checks["live_version"]["version"] == snapshot.number
    assert all(check["ok"] for check in checks.values())


def test_not_ready_before_the_first_version(client):
    encoders.loaded()
    code, status, checks = readiness(client)
    assert (code, status) == (503, "not ready")
    assert not checks["live_version"]["ok"]
    assert checks["live_version"]["detail"]
    assert checks["database"]["ok"]
    assert checks["model"]["ok"]


def test_not_ready_until_the_model_is_loaded(client):
    cast.published()
    encoders.reset()
    code, _status, checks = readiness(client)
    assert code == 503
    assert checks["model"] == {"ok": False, "state": "not loaded", "backend": None, "detail": ""}


def test_not_ready_without_the_database_and_its_address_is_kept_to_the_log(client, monkeypatch, caplog):
    def away():
        raise OperationalError("no route to db.internal")

    monkeypatch.setattr(connection, "cursor", away)
    code, _status, checks = readiness(client)
    assert code == 503
    assert not checks["database"]["ok"]
    assert "db.internal" not in str(checks)
    assert "db.internal" in caplog.text


def test_degraded_while_an_older_version_is_served_in_place_of_a_damaged_one(client):
    first = cast.published()
    run = cast.rebuild()
    (paths.version_folder(run.version_id) / "vectors.npy").unlink()
    live.load_now()
    encoders.loaded()
    code, status, checks = readiness(client)
    assert (code, status) == (200, "degraded")
    assert checks["live_version"]["version"] == first.number
    assert str(run.version_id) in checks["live_version"]["detail"]


def test_degraded_while_background_work_has_stalled(client, monkeypatch):
    cast.published()
    encoders.loaded()
    monkeypatch.setattr(pulse, "LATE_SECONDS", -1.0)
    thread = pulse.Pulse("live")
    thread.start()
    try:
        code, status, checks = readiness(client)
    finally:
        thread.end()
    assert (code, status) == (200, "degraded")
    assert checks["background"] == {"ok": False, "detail": "Background work has not run lately: live (0 s)."}
    assert readiness(client)[1] == "ready"
