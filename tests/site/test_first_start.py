"""When a start builds the first version."""

from __future__ import annotations

import pytest

from indexing import runs
from indexing.lib.processes import Owner, me
from indexing.models import RebuildRun
from tcs_site import first_start
from tests.support import cast

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _people():
    cast.experts(2)


def request(owner: Owner) -> RebuildRun:
    return runs.request(RebuildRun.Kind.FULL, cast.command_actor(), owner=owner)


def test_it_is_needed_until_a_run_ends_by_itself():
    assert first_start.first_version_needed()
    request(me())
    assert not first_start.first_version_needed()
    runs.cancel(RebuildRun.objects.get().pk, cast.command_actor())
    assert first_start.first_version_needed()
    cast.rebuild()
    assert not first_start.first_version_needed()


def test_a_build_that_was_killed_with_the_last_start_is_made_up_for():
    request(Owner(me().host, me().boot, me().pid, "0"))
    assert first_start.first_version_needed()
    assert RebuildRun.objects.get().state == RebuildRun.State.CRASHED


def test_a_build_that_failed_is_not_tried_at_every_start(settings):
    settings.TCS_ENCODER = "tests.support.fakes.NoSuchEncoder"
    assert cast.rebuild().state == RebuildRun.State.FAILED
    assert not first_start.first_version_needed()
