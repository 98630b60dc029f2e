"""The alarm on every page of the admin while a server process refuses a version."""

from __future__ import annotations

import pytest

from indexing.models import ServingProcess
from tests.support import cast, version_cast
from tests.support.html_reading import html

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("external_workers")]

PAGE = "/admin/index/"
PROBLEM = "Version 2 is not served: vectors.npy is damaged."


def process(number: int | None, problem: str = "", pid: int = 1) -> None:
    ServingProcess.objects.create(host="web", pid=pid, process_start="1", version_number=number, problem=problem)


@pytest.mark.parametrize("path", [PAGE, "/admin/"])
def test_a_refusal_says_what_is_unaffected_and_how_to_fix_it(viewer, path):
    version_cast.two_versions()
    process(1, PROBLEM)
    page = html(viewer.get(path))
    assert PROBLEM in page
    assert "These servers keep using version 1." in page
    assert "How to fix it: rebuild the index." in page


def test_a_process_that_serves_nothing_is_reported(viewer):
    version_cast.two_versions()
    process(None, PROBLEM)
    process(2, pid=2)
    page = html(viewer.get(PAGE))
    assert "1 server process has no version to search" in page
    assert "1 server process uses version 2 without problems." in page
    assert "Search is not affected." not in page


@pytest.mark.parametrize("path", [PAGE, "/admin/"])
def test_without_a_problem_there_is_no_alarm(viewer, path):
    version_cast.two_versions()
    process(2)
    assert 'class="alarm"' not in html(viewer.get(path))


def test_without_the_view_permission_there_is_no_alarm(client):
    client.force_login(cast.staff())
    version_cast.two_versions()
    process(1, PROBLEM)
    assert 'class="alarm"' not in html(client.get("/admin/"))


def test_with_the_rebuild_permission_there_is_a_button(client):
    client.force_login(cast.staff("indexing.view", "indexing.rebuild"))
    version_cast.two_versions()
    process(1, PROBLEM)
    assert 'id="alarm-rebuild-button"' in html(client.get(PAGE))
