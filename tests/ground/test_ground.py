"""The foundation of the tests holds."""

from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection

from indexing.models import IndexState
from tests.support import cast


def test_the_data_of_the_developer_are_not_touched():
    assert Path(settings.DATA_DIR).name.startswith("tcs-tests-")
    assert Path(settings.DATA_DIR).parent != settings.BASE_DIR


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2])
def test_every_transactional_test_finds_the_rows_of_the_migrations(turn):
    assert IndexState.objects.filter(pk=1, live_version=None).exists()
    assert Group.objects.get(name="Index operator").permissions.filter(codename="rebuild").exists()
    assert cast.staff("indexing.rebuild").has_perm("indexing.rebuild")
    IndexState.objects.update(fence=9)


@pytest.mark.django_db
def test_the_test_database_is_a_file_that_other_processes_can_open():
    if connection.vendor == "sqlite":
        assert Path(connection.settings_dict["NAME"]).exists()
