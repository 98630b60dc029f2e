"""Which Pythons TCS runs on: the Makefile takes the newest, and every pin has a wheel for each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.conf import settings

from tests.ground import wheels

ROOT = Path(settings.BASE_DIR)
STAND_IN = """#!/bin/sh
case "$1" in
    -c) exec {python} -c "import sys; sys.version_info = ({version}); exec(sys.argv[1])" "$2" ;;
    -m) mkdir -p .venv && echo {name} > .venv/python ;;
esac
"""


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Makes the virtual environment of a copy of the Makefile, on a PATH with these Pythons alone; says which."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("make", "sh", "rm", "touch", "mkdir", "echo", "find"):
        (folder / tool).symlink_to(shutil.which(tool))

    def made(**pythons: str) -> tuple[str, str]:
        for name, version in pythons.items():
            path = folder / name.replace("_", ".")
            path.write_text(STAND_IN.format(python=sys.executable, version=version, name=path.name))
            path.chmod(0o755)
        done = subprocess.run(
            ["make", "--silent", ".venv/made"],
            cwd=tmp_path,
            env={"PATH": str(folder), "LANG": os.environ.get("LANG", "C.UTF-8")},
            capture_output=True,
            text=True,
        )
        chosen = tmp_path / ".venv" / "python"
        return (chosen.read_text().strip() if chosen.is_file() else "", done.stderr)

    return made


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        ({"python3_11": "3, 11", "python3_13": "3, 13", "python3_12": "3, 12"}, "python3.13"),
        ({"python3_11": "3, 11", "python3": "3, 11"}, "python3.11"),
        ({"python3_14": "3, 14", "python3_12": "3, 12", "python3": "3, 14"}, "python3.12"),
        ({"python3": "3, 13"}, "python3"),
        ({"python": "3, 12", "python3": "3, 9"}, "python"),
    ],
)
def test_the_newest_python_that_will_do_is_taken(make, there, chosen):
    assert make(**there) == (chosen, "")


@pytest.mark.parametrize("there", [{}, {"python3": "3, 10"}, {"python3": "3, 14"}])
def test_without_one_the_makefile_says_what_it_needs(make, there):
    chosen, said = make(**there)
    assert chosen == ""
    assert "TCS needs Python 3.11, 3.12 or 3.13" in said


def test_the_project_names_the_same_versions():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["requires-python"] == ">=3.11,<3.14"
    assert wheels.VERSIONS == ("3.11", "3.12", "3.13")
    assert project["tool"]["ruff"]["target-version"] == "py311"


def test_a_requirement_without_a_wheel_is_named():
    said = wheels.ask("3.13", ["nobodys-package==1.2.3"], ["--no-index", "--isolated"])
    assert "No matching distribution found for nobodys-package==1.2.3" in said


@pytest.fixture
def answers(monkeypatch, tmp_path):
    """Lets pip say this of the pins, and of whether the index is there; nothing is noted yet."""
    monkeypatch.setattr(wheels, "NOTED", tmp_path / "noted.txt")

    def say(of_pins: str, of_index: str = "") -> None:
        monkeypatch.setattr(wheels, "ask", lambda version, wanted: of_index if wanted == ["pip"] else of_pins)

    return say


def test_pins_are_checked_once(answers):
    answers("")
    assert wheels.main() == 0
    answers("another pin")
    assert wheels.main() == 0


def test_a_missing_wheel_fails_the_check(answers, capsys):
    answers("No matching distribution found for torch==2.13.0")
    assert wheels.main() == 1
    assert "for Python 3.11:\nNo matching distribution found for torch" in capsys.readouterr().out
    assert not wheels.NOTED.exists()


def test_an_index_that_cannot_be_reached_fails_nothing(answers, capsys):
    answers("No matching distribution", "No matching distribution")
    assert wheels.main() == 0
    assert "cannot be reached" in capsys.readouterr().out
    assert not wheels.NOTED.exists()
