"""Every setting that an operator may change is documented, checked and safe by default."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from tcs_site import environment as env


def names_read() -> set[str]:
    """The environment variables that our own code reads through `tcs_site.environment`."""
    found = set()
    for folder in ("tcs_site", "indexing", "experts"):
        for path in (settings.BASE_DIR / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and re.match(r"env\.\w+$|text$", ast.unparse(node.func)):
                    name = ast.literal_eval(node.args[0]) if isinstance(node.args[0], ast.Constant) else ""
                    found |= {name} if name.isupper() else set()
    return found


def test_every_setting_is_declared_with_what_it_does():
    assert len(names_read()) > 20
    assert set(env.DECLARED) == names_read()
    assert all(setting.about and setting.section for setting in env.DECLARED.values())


def test_the_documentation_lists_the_settings_as_they_are_declared(capsys):
    call_command("settings", "--markdown")
    listed = capsys.readouterr().out.strip()
    page = (settings.BASE_DIR / "docs" / "operating.md").read_text()
    assert listed in page, "put the output of `manage.py settings --markdown` into docs/operating.md"


def test_the_settings_can_be_listed_for_a_file_of_environment_variables(capsys):
    call_command("settings")
    lines = capsys.readouterr().out.splitlines()
    assert "# TCS_KEEP_VERSIONS=5" in lines
    assert all(line.startswith("#") for line in lines if line)


def load(tmp_path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The real settings, loaded in a process of their own."""
    code = (
        "from django.conf import settings as s\n"
        "print(s.DEBUG, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT, *s.ALLOWED_HOSTS)"
    )
    mine = {"TCS_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "tcs_site.settings"}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=settings.BASE_DIR,
        env=os.environ | mine | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_any_setting_it_is_closed_and_not_debugging(tmp_path):
    shown = load(tmp_path).stdout.split()
    assert shown == ["False", "False", "False", "False", "localhost", "127.0.0.1", "[::1]"]


def test_behind_tls_cookies_are_secure_and_the_name_is_allowed(tmp_path):
    shown = load(tmp_path, TCS_TRUSTED_ORIGINS="https://experts.example.org").stdout.split()
    assert shown[:4] == ["False", "True", "True", "True"]
    assert "experts.example.org" in shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TCS_DEBUG", "perhaps"),
        ("TCS_WORKER", "magic"),
        ("TCS_KEEP_VERSIONS", "0"),
        ("TCS_KEEP_VERSIONS", "2.5"),
        ("TCS_LEASE_SECONDS", "soon"),
        ("TCS_GATE_MAX_LOST", "120%"),
        ("TCS_WEBHOOK_URL", "ftp://example.org"),
        ("TCS_TIME_ZONE", "Mars/Olympus"),
        ("TCS_TIME_ZONE", "Europe"),
        ("TCS_TIME_ZONE", "../etc/passwd"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named_with_its_value(tmp_path, name, value):
    ended = load(tmp_path, **{name: value})
    assert ended.returncode != 0
    last = ended.stderr.strip().splitlines()[-1]
    assert "ImproperlyConfigured" in last
    assert name in last


def test_of_many_who_make_the_secret_key_at_once_all_have_the_same(tmp_path):
    """Also of containers that share the folder, whose processes have the same ids: here all are one process."""
    with ThreadPoolExecutor(8) as pool:
        for number in range(40):
            folder = tmp_path / str(number)
            folder.mkdir()
            together = threading.Barrier(8)

            def key(folder: Path = folder, together: threading.Barrier = together) -> str:
                together.wait()
                return env.secret_key(folder)

            keys = {each.result() for each in [pool.submit(key) for _ in range(8)]}
            assert len(keys) == 1
            assert [path.name for path in folder.iterdir()] == ["secret_key"]


def test_the_secret_key_is_made_once_and_for_its_owner_only(tmp_path):
    first = env.secret_key(tmp_path / "data")
    assert len(first) > 50
    assert env.secret_key(tmp_path / "data") == first
    assert (tmp_path / "data" / "secret_key").stat().st_mode & 0o077 == 0


def test_a_data_folder_that_cannot_be_created_is_reported_with_how_to_fix_it(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ImproperlyConfigured, match="TCS_DATA_DIR"):
        env.secret_key(tmp_path / "file" / "data")


def test_a_deployment_behind_a_proxy_passes_djangos_own_check(tmp_path):
    mine = {"TCS_DATA_DIR": str(tmp_path), "TCS_TRUSTED_ORIGINS": "https://experts.example.org"}
    ended = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=settings.BASE_DIR,
        env=os.environ | mine,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
