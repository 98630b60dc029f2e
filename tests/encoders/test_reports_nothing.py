"""TCS tells nobody that it runs, nor do the libraries that it uses."""

from __future__ import annotations

import os
import subprocess
import sys

from django.conf import settings

PROGRAM = """
import os
import indexing.encoders.model_encoder
import onnxruntime
assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
onnxruntime.InferenceSession
"""
SILENT = {"CI", "XDG_CACHE_HOME", "ORT_DISABLE_TELEMETRY", "TF_BUILD", "GITHUB_ACTIONS"}
"""What silences it on machines of developers, or puts its files elsewhere."""


def test_onnx_runtime_keeps_no_id_of_the_machine_and_nothing_to_send(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name not in SILENT} | {"HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", PROGRAM], env=environment, cwd=settings.BASE_DIR, check=True, timeout=60)
    assert not list(tmp_path.rglob("*"))
