"""The metrics for Prometheus."""

from __future__ import annotations

import pytest
from django.test import Client

from experts.models import Expert
from indexing import runs, search
from indexing.lib import processes
from indexing.models import IndexVersion, ServingProcess
from indexing.serving import live
from indexing.worker import execute
from tests.support import cast

pytestmark = pytest.mark.django_db(transaction=True)


def figures(client: Client, **headers: str) -> dict[str, float]:
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}


def test_only_the_metrics_token_or_staff_who_may_look_get_in(client, settings):
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 401
    settings.TCS_METRICS_TOKEN = "s3cret"
    assert client.get("/metrics", headers={"authorization": "Bearer wrong"}).status_code == 401
    assert client.get("/metrics", headers={"authorization": "Bearer s3cret"}).status_code == 200
    client.force_login(cast.staff(username="plain"), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/metrics").status_code == 401
    client.force_login(cast.staff("indexing.view"), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/metrics").status_code == 200


def test_it_says_what_is_live_what_ran_and_what_was_searched(client, settings):
    settings.TCS_METRICS_TOKEN = "s3cret"
    token = {"authorization": "Bearer s3cret"}
    before = figures(client, **token)
    assert "tcs_live_version" not in before
    assert before['tcs_drift_grade{grade="never"}'] == 1
    cast.experts(10)
    execute.execute(runs.claim(processes.me(), runs.request("full", cast.command_actor()).pk))
    live.load_now()
    Expert.objects.filter(username="expert-001").update(bio="Something else.")
    search.search("bread", live.current(), mode=search.Mode.KEYWORD)
    after = figures(client, **token)
    assert after["tcs_live_version"] == 1
    assert after["tcs_live_version_experts"] == 10
    built = IndexVersion.objects.get().created_at.timestamp()
    assert after["tcs_live_version_built_timestamp_seconds"] == pytest.approx(built)
    assert after['tcs_runs{kind="full",state="done"}'] == 1
    assert after['tcs_last_run_stage_seconds{stage="embed"}'] >= 0
    assert after["tcs_drift_experts"] == 1
    assert after["tcs_drift_share"] == pytest.approx(0.1)
    assert [after[f'tcs_drift{{what="{what}"}}'] for what in ("added", "changed", "removed")] == [0, 1, 0]
    assert after['tcs_drift_grade{grade="stale"}'] == 1
    assert after['tcs_drift_grade{grade="current"}'] == 0
    assert after["tcs_directory_experts"] == 10
    counted = 'tcs_searches_total{mode="keyword",outcome="hits"}'
    assert after[counted] == before.get(counted, 0) + 1
    assert after['tcs_search_seconds_count{mode="keyword"}'] >= 1
    assert after['tcs_search_seconds_bucket{le="+Inf",mode="keyword"}'] >= 1


def test_it_says_which_processes_serve_the_live_version(client, settings):
    settings.TCS_METRICS_TOKEN = "s3cret"
    cast.published(3)
    for pid, number, problem in ((1, 1, ""), (2, 1, ""), (3, None, "A file is damaged.")):
        ServingProcess.objects.create(host="web", pid=pid, process_start="1", version_number=number, problem=problem)
    shown = figures(client, authorization="Bearer s3cret")
    assert (shown['tcs_processes{serves="live"}'], shown['tcs_processes{serves="other"}']) == (2, 1)
    assert shown["tcs_serving_problems"] == 1


def test_it_says_how_long_ago_background_work_ran(client, settings):
    settings.TCS_METRICS_TOKEN = "s3cret"
    live.start()
    try:
        shown = figures(client, authorization="Bearer s3cret")
    finally:
        live.stop()
    assert 0 <= shown['tcs_background_age_seconds{name="live"}'] < 60
