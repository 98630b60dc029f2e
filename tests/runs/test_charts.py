"""Charts: each is a table first, which says everything that is drawn."""

from __future__ import annotations

import re

import pytest

from experts.models import Expert
from indexing.models import RebuildRun
from tests.support import cast

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/admin/index/charts/"


@pytest.fixture
def viewer(client):
    client.force_login(cast.staff("indexing.view", username="vi"))
    return client


def html(response) -> str:
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def chart(page: str, name: str) -> tuple[list[str], list[list[str]]]:
    """The series of a chart, and of each row what is drawn of it, x first."""
    section = page.split(f'id="{name}"')[1].split("</section>")[0]
    head = re.findall(r'<th scope="col" class="number">([^<]+)', section)
    rows = re.findall(r'<tr data-x="([^"]+)">(.*?)</tr>', section)
    return head, [[x, *re.findall(r'data-y="([^"]+)"', cells)] for x, cells in rows]


def test_before_the_first_rebuild_the_page_says_what_to_do(viewer):
    page = html(viewer.get(PAGE))
    assert "No completed rebuilds yet" in page
    assert 'href="/admin/index/"' in page


def test_each_run_is_shown_with_its_stages_its_experts_and_what_was_encoded(viewer):
    cast.experts(5)
    first = cast.rebuild()
    cast.rebuild("tags")
    Expert.objects.create(username="new", job_title="Glazier")
    second = cast.rebuild()
    page = html(viewer.get(PAGE))
    stages, rows = chart(page, "stages-chart")
    assert stages[:2] == ["Read the directory", "Process profiles"]
    assert len(stages) == len(RebuildRun.Stage)
    assert [row[0] for row in rows] == [f"{first.pk}.000", f"{second.pk}.000"], "re-tagging is no rebuild"
    assert [float(each) for each in rows[0][1:]] == [stage["seconds"] for stage in first.stages]
    assert chart(page, "runs-experts-chart")[1] == [[f"{first.pk}.000", "5"], [f"{second.pk}.000", "6"]]
    names, rows = chart(page, "encoded-chart")
    assert names == ["Processed", "Unchanged"]
    assert [row[1:] for row in rows] == [["5", "0"], ["1", "5"]]
    assert f'<a href="/admin/index/runs/{second.pk}/">{second.pk}</a>' in page


def test_a_run_without_figures_leaves_gaps(viewer):
    run = RebuildRun.objects.create(kind="full", state="done", stages=[{"stage": "embed", "seconds": 2}])
    page = html(viewer.get(PAGE))
    assert chart(page, "stages-chart") == (["Process profiles"], [[f"{run.pk}.000", "2.0"]])
    assert len(chart(page, "encoded-chart")[1][0]) == 1


def test_the_drift_page_draws_drift_and_experts_and_marks_published_versions(viewer):
    cast.published(4)
    Expert.objects.create(username="new", job_title="Glazier")
    page = html(viewer.get("/admin/index/drift/"))
    names, rows = chart(page, "drift-chart")
    assert names == ["New", "Changed", "Removed"]
    assert [row[1:] for row in rows] == [["0", "0", "0"], ["1", "0", "0"]]
    assert [row[1:] for row in chart(page, "experts-chart")[1]] == [["4", "4"], ["5", "4"]]
    assert re.search(r'<li data-x="[\d.]+" data-label="v1">[^<]+: version 1, published automatically</li>', page)


def test_numbers_that_are_drawn_are_written_for_machines_in_every_language(viewer):
    RebuildRun.objects.create(
        kind="full",
        state="done",
        experts=12_345,
        encoded=12_345,
        reused=0,
        stages=[{"stage": "embed", "seconds": 1.5}],
    )
    page = html(viewer.get(PAGE, headers={"accept-language": "nl"}))
    assert chart(page, "stages-chart")[1][0][1] == "1.5"
    assert chart(page, "encoded-chart")[1][0][1:] == ["12345", "0"]


class TestFrontPage:
    def test_one_line_says_state_live_version_drift_and_last_run(self, viewer):
        cast.published(4)
        run = RebuildRun.objects.get()
        Expert.objects.create(username="new", job_title="Glazier")
        page = html(viewer.get("/admin/"))
        line = page.split('id="index-module"')[1].split("</table>")[0]
        for words in (
            "badge-complete",
            "Version 1 is live with 4 experts.",
            f"Last run: {run.pk}, done,",
            "badge-drift-stale",
            "1 new expert not searchable yet; built",
            'href="/admin/index/drift/"',
        ):
            assert words in line
        assert 'action="/admin/index/rebuild/"' not in page, "a right that this person lacks"

    def test_with_the_rebuild_permission_there_is_a_button_and_a_confirmation(self, client):
        client.force_login(cast.staff("indexing.view", "indexing.rebuild", username="op"))
        page = html(client.get("/admin/"))
        assert "press “Rebuild index” to build the first one" in page
        form = '<form class="actions" method="get" action="/admin/index/rebuild/" data-dialog="rebuild-dialog">'
        assert form in page
        assert '<dialog id="rebuild-dialog"' in page
        assert "disabled" not in page.split(form)[1].split("</form>")[0]
        RebuildRun.objects.create(kind="full", state="queued")
        assert "disabled" in html(client.get("/admin/")).split(form)[1].split("</form>")[0]

    def test_without_the_view_permission_there_is_no_line(self, client):
        client.force_login(cast.staff("experts.view_expert"))
        assert 'id="index-module"' not in html(client.get("/admin/"))
