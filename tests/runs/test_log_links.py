"""The lines of a run's log have links, which lead to them in logs of any length; one leads to the first error."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone

from indexing import runlog, runs
from indexing.lib import processes
from indexing.models import RebuildRun
from tests.support import cast

pytestmark = pytest.mark.django_db
NUMBERS = re.compile(r'data-seq="(\d+)"')
LINK = re.compile(r'<a class="line-number" href="([^"]*)">(\d+)</a>')
FIRST_ERROR = re.compile(r'<a id="log-first-error"\s+(?:href="([^"]*)"|hidden)')


@pytest.fixture(autouse=True)
def viewer(client):
    client.force_login(cast.staff("indexing.view"))
    return client


def ended(lines: int) -> RebuildRun:
    now = timezone.now()
    run = RebuildRun.objects.create(state="failed", started_at=now, finished_at=now)
    runlog.write(run.pk, [runlog.Line(now, "info", "embed", f"line {number}") for number in range(1, lines + 1)])
    return run


def shown(page: str) -> list[int]:
    return [int(number) for number in NUMBERS.findall(page)]


def test_the_link_of_a_line_leads_to_the_page_with_that_line(viewer):
    run = ended(2_500)
    address = f"/admin/index/runs/{run.pk}/"
    links = {number: link for link, number in LINK.findall(viewer.get(address).content.decode())}
    assert links["7"] == f"{address}?line=7#L7"
    for line, first, last in ((7, 1, 1000), (1000, 1, 1000), (1001, 1001, 2000), (2500, 2001, 2500)):
        page = viewer.get(address, {"line": line}).content.decode()
        assert shown(page) == list(range(first, last + 1))
        assert f'id="L{line}"' in page


@pytest.mark.parametrize("line", ["2501", "9" * 19, "9" * 40, "-1", "x", "²", ""])
def test_a_number_that_no_line_has_leads_to_lines_all_the_same(viewer, line):
    run = ended(2_500)
    page = viewer.get(f"/admin/index/runs/{run.pk}/", {"line": line})
    assert page.status_code == 200
    assert len(shown(page.content.decode())) in (500, 1000)


def test_the_first_error_is_one_link_away_on_whatever_page_it_is(viewer):
    run = ended(2_100)
    address = f"/admin/index/runs/{run.pk}/"
    assert FIRST_ERROR.findall(viewer.get(address).content.decode()) == [""]
    runlog.append(run.pk, "careful", level="warning")
    runlog.append(run.pk, "broken", level="error")
    runlog.append(run.pk, "broken again", level="critical")
    for parameters in ({}, {"q": "line 5"}, {"after": "1000"}):
        page = viewer.get(address, parameters).content.decode()
        assert FIRST_ERROR.findall(page) == [f"{address}?line=2102#L2102"]


def test_a_link_into_the_log_of_a_running_run_stays_at_its_line(viewer):
    requested = runs.request("full", cast.command_actor())
    run = runs.claim(processes.me(), requested.pk)
    assert run is not None
    runlog.write(run.pk, [runlog.Line(timezone.now(), "error", "", f"line {n}") for n in range(2_000)])
    address = f"/admin/index/runs/{run.pk}/"
    live = viewer.get(address).content.decode()
    assert FIRST_ERROR.findall(live) == [f"{address}?line=2#L2"]
    assert shown(viewer.get(address, {"line": "2"}).content.decode()) == list(range(1, 1001))
