"""The parts of the live pages that the socket replaces."""

from __future__ import annotations

import pytest
from django.template.loader import get_template

from indexing.console.live_page import fragments
from indexing.models import RebuildRun
from tests.support import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def run() -> RebuildRun:
    return RebuildRun.objects.create(kind="full", state="queued", requested_name="otto")


@pytest.mark.parametrize("ids", [fragments.INDEX, fragments.LOG])
def test_the_index_page_has_an_element_for_each_of_its_fragments(client, run, ids):
    client.force_login(cast.staff("indexing.view"))
    page = client.get("/admin/index/").content.decode()
    assert [target for target in ids if page.count(f'id="{target}"') != 1] == []


@pytest.mark.parametrize("ids", [fragments.RUN, fragments.LOG])
def test_a_runs_page_has_an_element_for_each_of_its_fragments(client, run, ids):
    client.force_login(cast.staff("indexing.view"))
    page = client.get(f"/admin/index/runs/{run.pk}/").content.decode()
    assert [target for target in ids if page.count(f'id="{target}"') != 1] == []


TEMPLATES = sorted({*fragments.INDEX.values(), *fragments.RUN.values(), *fragments.LOG.values()})
"""Sorted: the processes of a parallel run must agree on the order of tests."""


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_fragment_is_a_template_of_its_own(template):
    assert get_template(template)
