"""Dockerfile and compose.yaml name what exists, and keep what they promise. No engine for images is needed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from tcs_site import environment

ROOT = Path(settings.BASE_DIR)
NOT_IN_THE_IMAGE = {"tests", "docs"}


def instructions() -> list[list[str]]:
    """Each instruction of the Dockerfile: its name, and the words after it."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [line.split() for line in text.splitlines() if line.strip()]


def last_stage() -> list[list[str]]:
    found = instructions()
    starts = [place for place, each in enumerate(found) if each[0] == "FROM"]
    return found[starts[-1] :]


@pytest.fixture
def services() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]


def ours(services: dict[str, Any]) -> dict[str, Any]:
    return {name: service for name, service in services.items() if service["image"] == "tcs"}


def test_the_image_has_every_package_of_ours_and_what_is_copied_exists():
    copied = {each[1] for each in last_stage() if each[0] == "COPY" and not each[1].startswith("--")}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - NOT_IN_THE_IMAGE
    assert packages | {"manage.py", "locale", "static", "templates"} == copied
    sources = [word for each in instructions() if each[0] == "COPY" for word in each[1:-1] if "--from" not in each[1]]
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for source in sources:
        assert (ROOT / source).exists(), source
        assert source in allowed or source.startswith("requirements"), source


def test_what_the_images_of_compose_have_more_has_a_file_of_requirements(services):
    assert ["ARG", "WITH="] in instructions()
    copied = {word for each in instructions() if each[0] == "COPY" for word in each[1:-1]}
    for name, service in ours(services).items():
        more = service["build"]["args"]["WITH"].split()
        assert "dask" in more, name
        assert {f"requirements-{each}.txt" for each in more} <= copied


def test_the_last_stage_runs_as_nobody_in_particular_and_compiles_nothing():
    stage = last_stage()
    assert [each[1] for each in stage if each[0] == "USER"] == ["tcs"]
    assert {each[0] for each in stage} >= {"HEALTHCHECK", "VOLUME", "CMD", "STOPSIGNAL"}
    commands = " ".join(word for each in stage if each[0] == "RUN" for word in each)
    assert not re.search(r"apt|gcc|pip|curl", commands)


def test_settings_and_commands_in_both_files_exist(services):
    declared = set(environment.DECLARED)
    for name, service in ours(services).items():
        assert {each for each in service["environment"] if not each.startswith("AWS_")} <= declared, name
        command = service.get("command", ["python", "manage.py", "serve"])
        if name == "scheduler":
            assert command[:4] == ["python", "-m", "dask", "scheduler"]
            continue
        assert command[:2] == ["python", "manage.py"]
        assert command[2] in get_commands()
    variables = re.findall(r"\b(TCS_[A-Z_]+|HOST)=", (ROOT / "Dockerfile").read_text())
    assert set(variables) == {"TCS_DATA_DIR", "HOST"} <= declared


def test_every_service_belongs_to_a_profile_and_ours_may_change_only_their_data(services):
    profiles = {name: service["profiles"] for name, service in services.items()}
    assert {name for name, each in profiles.items() if each == ["single"]} == {"tcs"}
    assert {name for name, each in profiles.items() if each == ["cluster"]} == {
        *("web", "worker", "postgres", "redis", "bucket"),
    }
    assert {name for name, each in profiles.items() if each == ["dask"]} == {"scheduler", "encoder"}
    assert not any("ports" in services[name] for name in ("scheduler", "encoder", "bucket", "redis", "postgres"))
    for name, service in ours(services).items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"]
        assert all(volume.rpartition(":")[2].startswith("/data") for volume in service["volumes"])
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
