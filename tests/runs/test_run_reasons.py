"""The reason for requesting or cancelling a run: optional, saved with the run, shown on the pages, API and log."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry

from indexing import audit, runs
from indexing.models import RebuildRun
from tests.support import cast

pytestmark = pytest.mark.django_db

PAGE = "/admin/index/"
RUN = "/api/admin/ingest/run"


@pytest.fixture(autouse=True)
def external_workers(settings):
    settings.TCS_WORKER = "external"


@pytest.fixture
def operator(client):
    client.force_login(cast.staff("indexing.view", "indexing.rebuild", username="otto"))
    return client


def last() -> RebuildRun:
    return RebuildRun.objects.latest("pk")


def log(run: RebuildRun) -> str:
    return "\n".join(run.lines.values_list("message", flat=True))


def test_from_the_page_into_the_history_the_run_the_log_and_the_audit(operator):
    operator.post(f"{PAGE}rebuild/", {"reason": " 400 <new> experts "})
    run = last()
    assert run.reason == "400 <new> experts"
    for address in (PAGE, f"{PAGE}runs/{run.pk}/"):
        assert "400 &lt;new&gt; experts" in operator.get(address).content.decode()
    assert f"requested by otto (page, 127.0.0.1): {run.reason}." in log(run)
    assert f"(full): {run.reason}." in audit.sentence(LogEntry.objects.latest("pk"))


def test_a_reason_is_optional(operator):
    operator.post(f"{PAGE}rebuild/")
    assert last().reason == ""
    assert log(last()).endswith("requested by otto (page, 127.0.0.1).")


def test_from_the_page_of_a_cancel(operator):
    run = runs.request("full", cast.command_actor())
    operator.post(f"{PAGE}cancel/", {"run": run.pk, "reason": "The import was wrong."})
    run.refresh_from_db()
    assert (run.state, run.cancel_reason) == ("cancelled", "The import was wrong.")
    assert "The import was wrong." in operator.get(f"{PAGE}runs/{run.pk}/").content.decode()
    assert "Cancellation requested by otto (page, 127.0.0.1): The import was wrong." in log(run)


def test_over_the_api(operator):
    asked = operator.post(RUN, {"reason": "New tags."}, content_type="application/json").json()["run"]
    cancelled = operator.post(f"{RUN}s/{asked}/cancel?reason=Too early.")
    assert cancelled.status_code == 202
    body = operator.get(f"{RUN}s/{asked}").json()
    assert (body["reason"], body["cancel_reason"]) == ("New tags.", "Too early.")


@pytest.mark.parametrize("reason", ["x" * 2001, "\x9b" * 1000])
def test_a_reason_that_is_too_long_is_refused_without_a_server_error(operator, reason):
    assert operator.post(f"{PAGE}rebuild/", {"reason": reason}).status_code == 409
    assert operator.post(RUN, {"reason": reason}, content_type="application/json").status_code in (409, 422)
    assert not RebuildRun.objects.exists()
