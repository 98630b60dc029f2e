"""A PostgreSQL database that cannot hold every text is refused before anything is written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection

from tests.site.test_known_errors import failed
from tests.support.server import Site

pytestmark = [
    pytest.mark.services,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("sqlite" in settings.DATABASES["default"]["ENGINE"], reason="SQLite has only UTF-8"),
]
NAME = "tcs_of_bytes"


@pytest.fixture
def address(transactional_db) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {NAME} TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'")
        yield urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{NAME}").geturl()
        cursor.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


def test_another_encoding_is_refused(address, tmp_path, subtests):
    site = Site(tmp_path, {"DATABASE_URL": address})
    for command in ("serve", "rebuild_index"):
        with subtests.test(command):
            said = failed(site, command)
            assert "has the encoding SQL_ASCII, and TCS needs UTF8" in said
            assert "createdb --template=template0 --encoding=UTF8" in said
