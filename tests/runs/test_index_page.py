"""What the index page shows without its socket."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from indexing import runlog, runs
from indexing.models import RebuildRun, ServingProcess
from tests.support import cast
from tests.support.html_reading import html_without_bdi, parse_html
from tests.support.run_cast import ended, live_version, running

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("external_workers")]

PAGE = "/admin/index/"
REBUILD = f"{PAGE}rebuild/"


def badge_of(response) -> str:
    found = re.search(r'id="run-status".*?badge badge-(\w+)', response.content.decode(), re.DOTALL)
    assert found
    return found[1]


def test_never_run_differs_from_complete(viewer):
    answer = viewer.get(PAGE)
    assert badge_of(answer) == "never"
    assert "No index has been built yet." in html_without_bdi(answer)
    ended("done")
    assert badge_of(viewer.get(PAGE)) == "complete"


@pytest.mark.parametrize(
    ("state", "badge"),
    [
        ("failed", "failed"),
        ("crashed", "failed"),
        ("cancelled", "cancelled"),
        ("discarded", "discarded"),
        ("held", "held"),
        ("done", "complete"),
    ],
)
def test_the_badge_and_the_sentence_show_how_the_last_run_ended(viewer, state, badge):
    ended(state, error="The disk is <full>.", stage="vectors")
    answer = viewer.get(PAGE)
    assert badge_of(answer) == badge
    assert ("The disk is &lt;full&gt;." in html_without_bdi(answer)) == (state != "done")
    assert "<full>" not in html_without_bdi(answer)
    assert "took 1 min 15 s" in html_without_bdi(answer)


def test_a_running_run_shows_its_stage_and_has_no_estimate_without_an_earlier_run(viewer):
    run = running()
    before = {"stage": "snapshot", "seconds": 2.5, "done": 1500, "rate": 600.0, "summary": "Read 1,500."}
    runs.beat(run, stage="embed", rate=40.0, done=400, total=1500, stages=[before])
    page = html_without_bdi(viewer.get(PAGE))
    assert badge_of(viewer.get(PAGE)) == "rebuilding"
    assert '<progress id="stage-progress" value="400" max="1500"' in page
    assert "400 of 1,500 · 40/s" in page
    assert "in this stage" in page
    assert "total not known: no similar run has finished" in page
    assert "Read 1,500." in page
    assert page.count("step-waiting") == len(run.stage_names) - 2


@pytest.mark.parametrize(("workers", "says"), [("external", "Waiting for a worker"), ("subprocess", "Starting…")])
def test_a_queued_run_says_what_it_waits_for(viewer, settings, workers, says):
    runs.request("full", cast.command_actor())
    settings.TCS_WORKER = workers
    assert says in html_without_bdi(viewer.get(PAGE))


def test_the_time_left_comes_from_an_earlier_run(viewer):
    took = [{"stage": name, "seconds": 60, "done": 1} for name in RebuildRun().stage_names]
    ended("done", stages=took, experts=200)
    run = running()
    read = {"stage": "snapshot", "seconds": 1.0, "done": 200, "rate": 200.0, "summary": "Read 200."}
    runs.beat(run, stage="embed", rate=10.0, done=100, total=200, stages=[read])
    left = 10 + 60 * (len(run.stage_names) - 2)
    assert f"about {round(left / 60)} min left" in html_without_bdi(viewer.get(PAGE))


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
    page = html_without_bdi(viewer.get(PAGE))
    assert "0.2 s" in page
    assert "1 min 23 s" in page
    assert "failed here" in page
    assert page.count("step-done") == 2


def test_the_live_version_says_what_it_is_and_who_serves_it(viewer):
    live_version(42, 1500, created_at=timezone.now() - timedelta(days=3), model_name="all-MiniLM", bytes=5 << 20)
    for pid in (1, 2):
        ServingProcess.objects.create(host="a", pid=pid, process_start="s", version_number=42)
    page = html_without_bdi(viewer.get(PAGE))
    assert '<span class="live-figure">42</span>' in page
    assert "1,500 experts" in page
    assert "all-MiniLM" in page
    assert "5.0 MB" in page
    assert "2 of 2 server processes" in page
    assert re.search(r"<time data-relative[^>]*>3 days ago</time><span[^>]*><time[^>]*>\d+ \w+ \d{4}", page)

    ServingProcess.objects.filter(pid=2).update(version_number=None, problem="vectors.npy is damaged.")
    a_while_ago = timezone.now() - timedelta(seconds=20)
    ServingProcess.objects.create(host="b", pid=3, process_start="s", version_number=41, seen_at=a_while_ago)
    page = html_without_bdi(viewer.get(PAGE))
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
    first = html_without_bdi(viewer.get(PAGE))
    assert re.findall(r'id="history-run-(\d+)"', first) == [str(number) for number in range(45, 25, -1)]
    for shown in ("full rebuild", "otto", "API", "1 min 15 s", "1,500", "1,480", ">20<"):
        assert shown in first
    assert "Page 1 of 3" in first
    last = html_without_bdi(viewer.get(PAGE, {"page": 3}))
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
    page = html_without_bdi(viewer.get(PAGE))
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
    page = html_without_bdi(viewer.get(PAGE))
    assert "Out of memory." in page
    assert '<span class="live-figure">7</span>' in page


def serving_words(response) -> list[str]:
    """Of the element that says how many processes serve the live version: its class, and the text around it."""
    page = parse_html(response.content.decode())
    shown = next(each for each in page.walk() if "server process" in "".join(each.texts) and each.tag == "span")
    assert shown.parent
    return [shown.attributes.get("class", ""), " ".join(shown.parent.text.split())]


@pytest.mark.parametrize(
    ("seconds", "problem", "marked"), [(5, "", False), (60, "", True), (5, "vectors.npy is damaged.", True)]
)
def test_a_process_that_changes_over_raises_no_alarm_for_a_few_seconds(viewer, seconds, problem, marked):
    live_version(42, live_from=timezone.now() - timedelta(seconds=seconds))
    ServingProcess.objects.create(host="a", pid=1, process_start="s", version_number=41, problem=problem)
    level, words = serving_words(viewer.get(PAGE))
    assert "0 of 1 server process" in words
    assert (level == "attention") == marked
    assert ("(switching to it now)" in words) != marked
    assert ('<span class="attention"> version 41' in html_without_bdi(viewer.get(PAGE))) == marked
