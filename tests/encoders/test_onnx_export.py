"""Exporting a model to ONNX: which models, when, and what a failure leaves behind."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import threading
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from indexing import encoders
from indexing.encoders import ModelEncoder, SentenceTransformerEncoder, onnx_export, onnx_files, onnx_graph
from indexing.lib import paths
from indexing.models import RebuildRun
from tests.encoders.test_encoders import TEXTS
from tests.encoders.test_onnx_encoder import MODEL_ENCODER, TORCH, least_cosine, meta_of
from tests.support import cast, tiny_models

pytestmark = pytest.mark.usefixtures("own_model")


def test_the_default_models_export_gives_its_vectors(default_model):
    encoder, original = default_model, SentenceTransformerEncoder()
    assert least_cosine(encoder, original, TEXTS) > 0.9999
    assert encoder.backend == "onnx"
    assert (encoder.name, encoder.fingerprint, encoder.dimension) == (
        original.name,
        original.fingerprint,
        original.dimension,
    )


@pytest.mark.parametrize("pooling", ["mean", "cls", "max", "weightedmean"])
def test_every_pooling_is_exported_and_every_vector_has_unit_length(settings, tmp_path, pooling):
    settings.TCS_MODEL_PATH = str(tiny_models.make(tmp_path / "model", pooling=pooling, normalize=False))
    encoder = ModelEncoder()
    onnx_export.ensure(encoder)
    assert least_cosine(encoder, SentenceTransformerEncoder(), TEXTS) > 0.9999
    np.testing.assert_allclose(np.linalg.norm(encoder.encode(TEXTS), axis=1), 1, atol=1e-5)
    assert encoder.backend == "onnx"


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (tiny_models.make_static, "it consists of StaticEmbedding"),
        (tiny_models.make_chatting, "it reads texts as messages of a chat"),
    ],
)
def test_a_model_that_is_not_plain_is_refused_with_the_reason_and_still_works(settings, tmp_path, caplog, make, why):
    settings.TCS_MODEL_PATH = str(make(tmp_path / "model"))
    encoder = ModelEncoder()
    onnx_export.ensure(encoder)
    assert f"cannot be exported: {why}" in caplog.text
    caplog.clear()
    assert encoder.encode(["a"], "query").shape == (1, tiny_models.DIMENSION)
    assert encoder.backend == "torch"
    assert TORCH in caplog.text
    assert why in caplog.text
    assert sorted(file.name for file in onnx_files.folder_of(encoder.fingerprint).iterdir()) == [onnx_files.META]


def test_an_export_whose_vectors_differ_is_refused(monkeypatch, caplog):
    monkeypatch.setattr(onnx_export, "MIN_COSINE", 1.1)
    encoder = ModelEncoder()
    onnx_export.ensure(encoder)
    assert "its vectors differ from the original's: cosine" in str(meta_of(encoder).reason)
    encoder.load()
    assert encoder.backend == "torch"


def test_a_failure_of_the_exporter_is_recorded(monkeypatch):
    monkeypatch.setattr(onnx_graph, "OPSET", 3)
    encoder = ModelEncoder()
    onnx_export.ensure(encoder)
    assert str(meta_of(encoder).reason).startswith("torch.onnx fails (")


def test_a_refusal_is_remembered_until_the_libraries_change(monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    encoder = ModelEncoder()
    with monkeypatch.context() as patch:
        patch.setattr(onnx_export, "MIN_COSINE", 1.1)
        onnx_export.ensure(encoder)
    caplog.clear()
    onnx_export.ensure(encoder)
    assert caplog.text == ""
    file = onnx_files.folder_of(encoder.fingerprint) / onnx_files.META
    file.write_text(json.dumps(json.loads(file.read_text()) | {"made_by": "torch 1.0"}))
    onnx_export.ensure(encoder)
    assert onnx_files.find_export(encoder.fingerprint).meta.made_by == meta_of(encoder).made_by != "torch 1.0"


def test_an_export_that_is_there_is_not_made_again(exported, caplog):
    caplog.set_level(logging.INFO)
    onnx_export.ensure(ModelEncoder())
    assert caplog.text == ""


def test_of_two_exports_at_the_same_moment_one_is_used(monkeypatch):
    """As of two processes. One at a time works with the model, and both have their files ready before either ends."""
    real, turn, both_are_ready = onnx_export._export, threading.Lock(), threading.Barrier(2, timeout=60)

    def export(encoder: ModelEncoder, folder: Path) -> None:
        with turn:
            real(encoder, folder)
        both_are_ready.wait()

    monkeypatch.setattr(onnx_export, "_export", export)
    both = ModelEncoder(), ModelEncoder()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(onnx_export.ensure, both))
    used = onnx_files.find_export(both[0].fingerprint)
    assert list(paths.models_folder().iterdir()) == [used.folder]
    assert {path.name for path in used.folder.iterdir()} == {onnx_files.GRAPH, onnx_files.META, onnx_files.TOKENIZER}
    for each in (*both, ModelEncoder()):
        each.encode(["Keeps bees"])
        assert each.backend == "onnx"


def test_a_full_disk_is_not_a_refusal_and_the_next_run_tries_again(monkeypatch, caplog):
    encoder = ModelEncoder()
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda folder: namedtuple("Usage", "free")(1000))
        onnx_export.ensure(encoder)
    assert "could not be exported: [Errno 28] No space left on device" in caplog.text
    assert list(paths.models_folder().iterdir()) == []
    onnx_export.ensure(encoder)
    assert onnx_files.find_export(encoder.fingerprint)


def test_other_models_exports_go_but_for_the_newest_two(exported):
    for age, name in enumerate(("a" * 64, "b" * 64, "c" * 64, f"{'d' * 64}.77.exporting")):
        folder = paths.models_folder() / name
        folder.mkdir()
        os.utime(folder, (10_000 - age, 10_000 - age))
    shutil.rmtree(onnx_files.folder_of(exported.fingerprint))
    onnx_export.ensure(exported)
    left = {folder.name for folder in paths.models_folder().iterdir()}
    assert left == {exported.fingerprint, "a" * 64, "b" * 64}


def test_encoders_of_other_kinds_are_left_alone(settings):
    settings.TCS_ENCODER = "tests.support.fakes.HashEncoder"
    onnx_export.ensure(encoders.configured())
    assert not paths.models_folder().exists()


WEB_PROCESS = """
import json, sys
from tcs_site import asgi
from django.test import Client
from indexing import encoders, search
from indexing.serving import live
snapshot = live.load_now()
found = [len(search.search(query, snapshot, 3).hits) for query in ("keeps bees", "steel bridges")]
encoders.loaded()
model = Client(headers={"host": "localhost"}).get("/readyz").json()["checks"]["model"]
heavy = [name for name in ("torch", "sentence_transformers", "transformers", "onnx") if name in sys.modules]
print(json.dumps([found, model, heavy]))
"""


@pytest.mark.django_db(transaction=True)
def test_a_run_makes_the_export_and_a_web_process_searches_without_torch(settings):
    cast.experts(8)
    run = cast.rebuild()
    assert run.state == RebuildRun.State.DONE, run.error
    lines = run.lines.filter(message__startswith="Exported the model").count()
    assert lines == 1
    assert encoders.backend() == "onnx"  # the worker too encodes under it
    environment = os.environ | {"TCS_ENCODER": MODEL_ENCODER, "TCS_MODEL_PATH": settings.TCS_MODEL_PATH}
    done = subprocess.run(
        [sys.executable, "-c", WEB_PROCESS], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found, model, heavy = json.loads(done.stdout)
    assert found == [3, 3]
    assert model == {"ok": True, "state": "ready", "backend": "onnx", "detail": ""}
    assert heavy == []
