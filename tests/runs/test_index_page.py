"""The IndexPage, as it is without its socket: who sees what, and what the buttons do."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from indexing import runlog, runs
from indexing.lib import processes, times
from indexing.models import IndexState, IndexVersion, RebuildRun, ServingProcess
from tests.support import cast
from tests.support.html_reading import parse_html

pytestmark = pytest.mark.django_db

PAGE = "/admin/index/"
REBUILD, RETAG, CANCEL = f"{PAGE}rebuild/", f"{PAGE}retag/", f"{PAGE}cancel/"
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def external_workers(settings):
    """A requested run stays queued: tests start no worker process."""
    settings.TCS_WORKER = "external"


@pytest.fixture
def viewer(client):
    client.force_login(cast.staff("indexing.view", username="vi"))
    return client


@pytest.fixture
def operator(client):
    client.force_login(cast.staff("indexing.view", "indexing.rebuild", username="otto"))
    return client


def running(kind: str = "full") -> RebuildRun:
    requested = runs.request(kind, cast.command_actor())
    claimed = runs.claim(processes.me(), requested.pk)
    assert claimed is not None
    return claimed


def ended(state: str, **fields: object) -> RebuildRun:
    now = timezone.now()
    return RebuildRun.objects.create(
        state=state, started_at=now - timedelta(seconds=75), finished_at=now, requested_name="otto", **fields
    )


def live_version(number: int = 7, experts: int = 3, **fields: object) -> IndexVersion:
    version = IndexVersion.objects.create(
        number=number, state=IndexVersion.State.LIVE, expert_count=experts, **fields
    )
    IndexState.objects.update(live_version=version)
    return version


def html(response) -> str:
    """Without what keeps a name's direction to itself (<bdi>)."""
    return re.sub(r"</?bdi[^>]*>|[\u2066-\u2069]", "", " ".join(response.content.decode().split()))


# --- Who may --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", [PAGE, REBUILD, RETAG, CANCEL, f"{PAGE}runs/1/", f"{PAGE}runs/1/log.txt"])
def test_signed_out_users_sign_in_first_and_come_back(client, path):
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer.url == f"{reverse('admin:login')}?next={path}"


@pytest.mark.parametrize("path", [PAGE, REBUILD, RETAG, f"{CANCEL}?run=1", f"{PAGE}runs/1/", f"{PAGE}runs/1/log.txt"])
@pytest.mark.parametrize("person", [cast.staff, cast.visitor])
def test_without_the_permission_the_page_says_so(client, path, person):
    ended("done", pk=1)
    client.force_login(person())
    answer = client.get(path)
    assert answer.status_code == 403
    assert "does not have the permission" in html(answer)


def test_a_user_with_the_permission_who_is_not_staff_sees_nothing(client):
    user = cast.staff("indexing.view")
    user.is_staff = False
    user.save()
    client.force_login(user)
    assert client.get(PAGE).status_code == 403


def test_an_htmx_request_of_somebody_signed_out_sends_the_whole_browser_to_sign_in(client):
    answer = client.post(REBUILD, headers=HTMX | {"HX-Current-URL": f"http://testserver{PAGE}"})
    assert answer.headers["HX-Redirect"] == f"{reverse('admin:login')}?next={PAGE}"
    assert not RebuildRun.objects.exists()


@pytest.mark.parametrize("path", [REBUILD, RETAG])
def test_viewers_start_nothing(viewer, path):
    assert viewer.post(path).status_code == 403
    assert not RebuildRun.objects.exists()


def test_viewers_cancel_nothing(viewer):
    run = running()
    assert viewer.post(CANCEL, {"run": run.pk}).status_code == 403
    run.refresh_from_db()
    assert run.cancel_requested_at is None


def test_viewers_see_no_buttons(viewer):
    page = html(viewer.get(PAGE))
    assert "rebuild-button" not in page
    assert "-dialog" not in page
    assert "you need the rebuild permission to start one" in page


def test_a_request_without_the_csrf_token_is_refused():
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.staff("indexing.view", "indexing.rebuild"))
    assert strict.post(REBUILD).status_code == 403
    assert not RebuildRun.objects.exists()


@pytest.mark.parametrize(("method", "path"), [("post", PAGE), ("put", REBUILD), ("delete", CANCEL)])
def test_other_methods_are_refused(operator, method, path):
    assert getattr(operator, method)(path).status_code == 405


# --- Starting -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("path", "kind"), [(REBUILD, "full"), (RETAG, "tags")])
def test_without_javascript_a_page_asks_first_and_a_form_starts_the_run(operator, path, kind):
    page = html(operator.get(path))
    assert '<form method="post">' in page
    assert not RebuildRun.objects.exists()

    answer = operator.post(path, REMOTE_ADDR="192.0.2.7", follow=True)
    assert answer.redirect_chain == [(PAGE, 302)]
    run = RebuildRun.objects.get()
    assert (run.kind, run.state, run.requested_name, run.via, run.reembed) == (kind, "queued", "otto", "page", False)
    assert f"started (run {run.pk})." in html(answer)
    assert "192.0.2.7" in LogEntry.objects.get().change_message


def test_everything_can_be_embedded_again(operator):
    operator.post(REBUILD, {"reembed": "1"})
    assert RebuildRun.objects.get().reembed


def test_a_tags_run_embeds_nothing_again_whatever_is_sent(operator):
    operator.post(RETAG, {"reembed": "1"})
    assert not RebuildRun.objects.get().reembed


def test_htmx_gets_a_notice_alone(operator):
    answer = operator.post(REBUILD, headers=HTMX)
    assert answer.status_code == 200
    assert "started (run" in html(answer)
    assert "<html" not in html(answer)


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_second_request_is_refused_with_who_runs_what_since_when(operator, headers):
    run = running("tags")
    answer = operator.post(REBUILD, headers=headers)
    assert answer.status_code == 409
    assert f"Run {run.pk} (re-tag only) is already running. It was requested by operator on " in html(answer)
    assert times.moment(run.created_at) in html(answer)
    assert ("<html" in html(answer)) == (not headers)
    assert RebuildRun.objects.count() == 1


def test_the_confirmation_page_names_the_active_run(operator):
    run = running()
    page = html(operator.get(REBUILD))
    assert f"Run {run.pk} (full rebuild), requested by operator, is still active" in page
    assert re.search(r'<button type="submit"[^>]* disabled>', page)


def test_the_buttons_are_disabled_while_a_run_is_active(operator):
    assert not re.search(r'id="re(build|tag)-button"[^>]* disabled', html(operator.get(PAGE)))
    running()
    page = html(operator.get(PAGE))
    assert len(re.findall(r'id="re(?:build|tag)-button"[^>]* disabled', page)) == 2


# --- Cancelling -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("right", ["indexing.rebuild", "indexing.cancel"])
def test_a_running_run_is_asked_to_stop(client, right):
    client.force_login(cast.staff("indexing.view", right, username="otto"))
    run = running()
    assert "cancel-button" in html(client.get(PAGE))
    asking = html(client.get(CANCEL, {"run": run.pk}))
    assert f'name="run" value="{run.pk}"' in asking
    answer = client.post(CANCEL, {"run": run.pk}, follow=True)
    assert f"Run {run.pk} is being cancelled." in html(answer)
    assert "Cancelling (requested by otto)…" in html(answer)
    run.refresh_from_db()
    assert run.cancel_requested_name == "otto"


def test_a_queued_run_is_cancelled_at_once(operator):
    run = runs.request("full", cast.command_actor())
    answer = operator.post(CANCEL, {"run": run.pk}, headers=HTMX)
    assert f"Run {run.pk} was cancelled." in html(answer)
    run.refresh_from_db()
    assert run.state == "cancelled"


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_run_that_has_ended_is_not_cancelled(operator, headers):
    run = ended("done")
    answer = operator.post(CANCEL, {"run": run.pk}, headers=headers)
    assert answer.status_code == 409
    assert f"Run {run.pk} has ended already: done." in html(answer)


@pytest.mark.parametrize("number", ["77", "", "x", "-1", "9" * 30, "²"])
def test_an_unknown_run_is_404(operator, number):
    assert operator.post(CANCEL, {"run": number}).status_code == 404


# --- What it shows --------------------------------------------------------------------------------------------
def badge_of(response) -> str:
    found = re.search(r'id="run-status".*?badge badge-(\w+)', response.content.decode(), re.DOTALL)
    assert found
    return found[1]


def test_never_run_differs_from_complete(viewer):
    answer = viewer.get(PAGE)
    assert badge_of(answer) == "never"
    assert "No index has been built yet." in html(answer)
    ended("done")
    assert badge_of(viewer.get(PAGE)) == "complete"


@pytest.mark.parametrize(
    ("state", "badge"),
    [("failed", "failed"), ("crashed", "failed"), ("cancelled", "cancelled"), ("held", "held"), ("done", "complete")],
)
def test_the_badge_and_the_sentence_show_how_the_last_run_ended(viewer, state, badge):
    ended(state, error="The disk is <full>.", stage="vectors")
    answer = viewer.get(PAGE)
    assert badge_of(answer) == badge
    assert ("The disk is &lt;full&gt;." in html(answer)) == (state != "done")
    assert "<full>" not in html(answer)
    assert "took 1 min 15 s" in html(answer)


def test_a_running_run_shows_its_stage_and_has_no_estimate_without_an_earlier_run(viewer):
    run = running()
    before = {"stage": "snapshot", "seconds": 2.5, "done": 1500, "rate": 600.0, "summary": "Read 1,500."}
    runs.beat(run, stage="embed", rate=40.0, done=400, total=1500, stages=[before])
    page = html(viewer.get(PAGE))
    assert badge_of(viewer.get(PAGE)) == "rebuilding"
    assert '<progress id="stage-progress" value="400" max="1500"' in page
    assert "400 of 1,500 · 40/s" in page
    assert "in this stage" in page
    assert "total not known: no similar run has finished" in page
    assert "Read 1,500." in page
    assert page.count("step-waiting") == len(run.stage_names) - 2


def test_the_time_left_comes_from_an_earlier_run(viewer):
    took = [{"stage": name, "seconds": 60, "done": 1} for name in RebuildRun().stage_names]
    ended("done", stages=took, experts=200)
    run = running()
    read = {"stage": "snapshot", "seconds": 1.0, "done": 200, "rate": 200.0, "summary": "Read 200."}
    runs.beat(run, stage="embed", rate=10.0, done=100, total=200, stages=[read])
    left = 10 + 60 * (len(run.stage_names) - 2)
    assert f"about {round(left / 60)} min left" in html(viewer.get(PAGE))


def test_an_ended_run_shows_the_seconds_of_each_stage_and_where_it_failed(viewer):
    ended(
        "failed",
        error="No.",
        stage="tag",
        stages=[
            {"stage": "snapshot", "seconds": 0.25, "done": 8, "rate": 32.0, "summary": ""},
            {"stage": "embed", "seconds": 83.4, "done": 8, "rate": 0.1, "summary": "encoded 8"},
        ],
    )
    page = html(viewer.get(PAGE))
    assert "0.2 s" in page
    assert "1 min 23 s" in page
    assert "failed here" in page
    assert page.count("step-done") == 2


def test_the_live_version_says_what_it_is_and_who_serves_it(viewer):
    live_version(42, 1500, created_at=timezone.now() - timedelta(days=3), model_name="all-MiniLM", bytes=5 << 20)
    for pid in (1, 2):
        ServingProcess.objects.create(host="a", pid=pid, process_start="s", version_number=42)
    page = html(viewer.get(PAGE))
    assert '<span class="live-figure">42</span>' in page
    assert "1,500 experts" in page
    assert "all-MiniLM" in page
    assert "5.0 MB" in page
    assert "2 of 2 server processes" in page
    assert re.search(r"<time data-relative[^>]*>3 days ago</time><span[^>]*><time[^>]*>\d+ \w+ \d{4}", page)

    ServingProcess.objects.filter(pid=2).update(version_number=None, problem="vectors.npy is damaged.")
    a_while_ago = timezone.now() - timedelta(seconds=20)
    ServingProcess.objects.create(host="b", pid=3, process_start="s", version_number=41, seen_at=a_while_ago)
    page = html(viewer.get(PAGE))
    lines = [line.text for line in parse_html(page).walk() if line.tag == "li" and ", process" in line.text]
    each = [" ".join(line.split()) for line in lines]
    assert each == [
        "a, process 1: version 42",
        "a, process 2: no version",
        "b, process 3: version 41 (not responding)",
    ]
    assert "1 of 2 server processes" in page
    assert "vectors.npy is damaged." in page


def test_the_history_names_every_run_on_pages(viewer):
    for number in range(1, 46):
        ended("done", pk=number, experts=1500, reused=1480, encoded=20, via="api", kind="full")
    first = html(viewer.get(PAGE))
    assert re.findall(r'id="history-run-(\d+)"', first) == [str(number) for number in range(45, 25, -1)]
    for shown in ("full rebuild", "otto", "API", "1 min 15 s", "1,500", "1,480", ">20<"):
        assert shown in first
    assert "Page 1 of 3" in first
    last = html(viewer.get(PAGE, {"page": 3}))
    assert re.findall(r'id="history-run-(\d+)"', last) == ["5", "4", "3", "2", "1"]
    assert 'ws-connect="/ws/index/?page=3&amp;lang=en"' in last


@pytest.mark.parametrize("page", ["0", "-3", "999", "x", "1e9"])
def test_a_page_that_does_not_exist_shows_one_that_does(viewer, page):
    ended("done")
    assert viewer.get(PAGE, {"page": page}).status_code == 200


def test_a_long_log_is_shown_from_its_end_with_a_link_to_the_rest(viewer):
    run = ended("done")
    now = timezone.now()
    runlog.write(run.pk, [runlog.Line(now, "info", "embed", f"line <{number}>") for number in range(1, 2501)])
    page = html(viewer.get(PAGE))
    assert re.findall(r'data-seq="(\d+)"', page) == [str(number) for number in range(1501, 2501)]
    assert "… 1,500 earlier lines" in page
    assert f'href="{PAGE}runs/{run.pk}/?after=500"' in page
    assert "line &lt;2500&gt;" in page


def test_nothing_in_the_page_needs_an_exception_from_the_content_security_policy(operator):
    live_version()
    ended("done")
    for path in (PAGE, REBUILD, f"{PAGE}runs/{RebuildRun.objects.get().pk}/", "/", "/admin/"):
        answer = operator.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        page = answer.content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)", page), path
        assert not re.search(r"<style|\sstyle=|\son\w+=", page), path


def test_a_stale_failure_does_not_hide_the_live_version(viewer):
    live_version(7)
    ended("failed", error="Out of memory.")
    page = html(viewer.get(PAGE))
    assert "Out of memory." in page
    assert '<span class="live-figure">7</span>' in page
