"""The page of one run, its log in pages, and the log as text."""

from __future__ import annotations

import re

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from indexing import runlog, runs
from indexing.lib import processes
from indexing.models import RebuildRun
from tests.support import cast

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def viewer(client):
    client.force_login(cast.staff("indexing.view"))
    return client


def run_with(lines: int, *, state: str = "done", level: str = "info", **fields: object) -> RebuildRun:
    now = timezone.now()
    run = RebuildRun.objects.create(state=state, started_at=now, finished_at=now, requested_name="otto", **fields)
    runlog.write(run.pk, [runlog.Line(now, level, "embed", f"line {number}") for number in range(1, lines + 1)])
    return run


def path(run: RebuildRun, rest: str = "") -> str:
    return f"/admin/index/runs/{run.pk}/{rest}"


def numbers(response) -> list[int]:
    return [int(seq) for seq in re.findall(r'data-seq="(\d+)"', response.content.decode())]


def links(response) -> list[str]:
    """Of the first of the two rows of links: before the lines and after them."""
    row = response.content.decode().partition('<nav class="pages"')[2].partition("</nav>")[0]
    return re.findall(r'rel="(?:prev|next)" href="([^"]*)"', row)


def test_the_page_shows_everything_about_the_run(viewer):
    run = run_with(
        2,
        state="failed",
        error="The disk is full.",
        stage="vectors",
        experts=None,
        peak_mb=1234,
        reembed=True,
        cancel_requested_at=timezone.now(),
        cancel_requested_name="carla",
        stages=[{"stage": "snapshot", "seconds": 12.0, "done": 5, "rate": 1.0, "summary": "Read 5."}],
    )
    page = viewer.get(path(run)).content.decode()
    for shown in (
        "otto",
        "carla",
        "The disk is full.",
        "every profile recomputed",
        "12 s",
        "Read 5.",
        "failed here",
        "1,234 MB",
        "line 2",
        path(run, "log.txt"),
    ):
        assert shown in page


def test_an_unknown_run_is_404(viewer):
    assert viewer.get("/admin/index/runs/77/").status_code == 404
    assert viewer.get("/admin/index/runs/77/log.txt").status_code == 404
    assert viewer.get(f"/admin/index/runs/{10**25}/").status_code == 404


def test_the_log_of_an_ended_run_is_read_in_pages_from_its_first_line(viewer):
    run = run_with(2_500)
    first = viewer.get(path(run))
    assert numbers(first) == list(range(1, 1001))
    assert links(first) == ["?after=1000#log"]
    second = viewer.get(path(run), {"after": 1000})
    assert numbers(second) == list(range(1001, 2001))
    assert links(second) == ["?after=0#log", "?after=2000#log"]
    last = viewer.get(path(run), {"after": 2000})
    assert numbers(last) == list(range(2001, 2501))
    assert links(last) == ["?after=1000#log"]
    assert "ws/index/?run=" not in first.content.decode()


def test_only_warnings_and_errors_over_the_pages(viewer):
    run = run_with(1_500)
    for level in ("warning", "error", "critical"):
        runlog.append(run.pk, f"a {level}", level=level)
    assert numbers(viewer.get(path(run), {"level": "warning"})) == [1501, 1502, 1503]
    assert numbers(viewer.get(path(run), {"level": "error"})) == [1502, 1503]
    many = run_with(1_200, level="warning")
    page = viewer.get(path(many), {"level": "warning"})
    assert links(page) == ["?after=1000&amp;level=warning#log"]
    assert "No lines match." in viewer.get(path(many), {"level": "error"}).content.decode()


@pytest.mark.parametrize("after", ["x", "", "-5", "9" * 40, "²", "1.5"])
@pytest.mark.parametrize("level", ["", "<script>", "warning"])
def test_odd_addresses_get_a_response(viewer, after, level):
    answer = viewer.get(path(run_with(3)), {"after": after, "level": level})
    assert answer.status_code == 200
    assert "<script>" not in answer.content.decode()


def test_a_running_run_is_shown_live_from_its_last_lines(viewer):
    requested = runs.request("full", cast.command_actor())
    run = runs.claim(processes.me(), requested.pk)
    assert run is not None
    runlog.write(run.pk, [runlog.Line(timezone.now(), "info", "", f"line {n}") for n in range(2_000)])
    page = viewer.get(path(run))
    assert f'ws-connect="/ws/index/?run={run.pk}&amp;lang=en"' in page.content.decode()
    assert numbers(page) == list(range(1002, 2002))
    paged = viewer.get(path(run), {"after": 0})
    assert numbers(paged) == list(range(1, 1001))
    assert "Follow live" in paged.content.decode()


def test_markup_in_a_line_is_text(viewer):
    run = run_with(0)
    runlog.append(run.pk, "<img src=x onerror=alert(1)>\nsecond line")
    page = viewer.get(path(run)).content.decode()
    assert "&lt;img src=x onerror=alert(1)&gt;\nsecond line" in page


@pytest.mark.django_db(transaction=True)
async def test_the_whole_log_comes_as_text_in_pieces(async_client):
    user = await sync_to_async(cast.staff)("indexing.view", username="dora")
    run = await sync_to_async(run_with)(2_500)
    await async_client.aforce_login(user)
    answer = await async_client.get(path(run, "log.txt"))
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="index-run-{run.pk}.txt"'
    pieces = [piece.decode() async for piece in answer.streaming_content]
    assert len(pieces) == 3
    lines = "".join(pieces).splitlines()
    assert [line.rsplit(" ", 1)[1] for line in lines] == [str(number) for number in range(1, 2501)]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO    embed    line 1", lines[0])
