"""A process collects garbage once it has started, apart from what it imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests.support.server import Site

ASK = "import gc; print(gc.isenabled(), gc.get_freeze_count() > 10_000)"


@pytest.fixture
def site(migrated: Path, tmp_path: Path) -> Site:
    return Site.like(migrated, tmp_path)


def python(site: Site, *arguments: str) -> list[str]:
    command = [sys.executable, *arguments]
    ended = subprocess.run(
        command, cwd=settings.BASE_DIR, env=site.variables(), capture_output=True, text=True, timeout=60, check=True
    )
    return ended.stdout.split()


def test_a_command_collects_it(site):
    assert python(site, "manage.py", "shell", "--verbosity", "0", "-c", ASK) == ["True", "True"]


def test_a_web_process_collects_it(site):
    assert python(site, "-c", f"import tcs_site.asgi; {ASK}") == ["True", "True"]
