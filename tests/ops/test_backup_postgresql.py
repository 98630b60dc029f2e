"""Backup and restore with PostgreSQL, by the very commands that docs/operating.md gives."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection

from experts.models import Expert
from tests.support import cast

pytestmark = [
    pytest.mark.services,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("sqlite" in settings.DATABASES["default"]["ENGINE"], reason="pg_dump copies PostgreSQL"),
]
NAME = "tcs_restored"
REBUILD_AND_SEARCH = """
from indexing import search
from tests.support import cast
snapshot = cast.published_again()
found = search.search("sourdough bread", snapshot, mode=search.Mode.KEYWORD)
print(found.version, *[hit.expert.username for hit in found.hits])
"""
"""In one process, and without the worker that a command starts for the map."""


@pytest.fixture
def empty_database(transactional_db) -> Iterator[str]:
    """The address of a database without any table, in the same cluster."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {NAME} TEMPLATE template0")
        yield urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{NAME}").geturl()
        cursor.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


def documented_commands(folder: Path) -> tuple[str, str]:
    """How to copy and how to restore, with `folder` where the page has /backups."""
    page = (settings.BASE_DIR / "docs" / "operating.md").read_text()
    section = page.partition("\n## Backup\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    copying, restoring = (block for block in blocks if "pg_" in block)
    there = str(folder / "backups")
    return tuple(  # type: ignore[return-value]
        block.replace("/backups", there).replace(".venv/bin/python", sys.executable) for block in (copying, restoring)
    )


def shell(commands: str, **environment: str) -> str:
    """Its output. Fails with what was said when one of the commands fails."""
    ended = subprocess.run(
        ["bash", "-euc", commands],
        cwd=settings.BASE_DIR,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def found(query: str, **environment: str) -> tuple[int, list[str]]:
    """The version that answers in a separate process, and the usernames that it finds."""
    command = f"{sys.executable} manage.py search_experts '{query}' --mode keyword --json"
    answer = json.loads(shell(command, **environment))
    return answer["version"], [hit["username"] for hit in answer["hits"]]


def test_what_was_dumped_and_copied_serves_elsewhere(tmp_path, empty_database):
    cast.experts(8)
    cast.rebuild()
    (baker,) = Expert.objects.filter(job_title="Baker").values_list("username", flat=True)
    copying, restoring = documented_commands(tmp_path)
    (tmp_path / "backups").mkdir()
    shell(copying)

    Expert.objects.all().delete()  # later changes of the original do not affect the copy
    there = {"DATABASE_URL": empty_database, "TCS_DATA_DIR": str(tmp_path / "backups" / "tcs")}
    assert "Version 1 is intact" in shell(restoring, **there)
    assert found("sourdough bread", **there) == (1, [baker])

    alone = there | {"TCS_DATA_DIR": str(tmp_path / "without versions")}
    rebuilt = shell(f"{sys.executable} manage.py shell --verbosity 0 -c '{REBUILD_AND_SEARCH}'", **alone)
    assert rebuilt.split() == ["2", baker]
