"""The model under ONNX Runtime: the same vectors without torch, and what happens without an export."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import shutil
import subprocess
import sys
import threading
import weakref
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from indexing import encoders
from indexing.encoders import ModelEncoder, SentenceTransformerEncoder, onnx_export, onnx_files, onnx_graph
from indexing.errors import Cancelled
from indexing.lib import paths
from indexing.models import RebuildRun
from tests.encoders.test_encoders import TEXTS
from tests.support import cast, damage, tiny_models
from tests.support.waiting import until

MODEL_ENCODER = "indexing.encoders.ModelEncoder"
TORCH = "runs under sentence-transformers"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return tiny_models.make(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(autouse=True)
def _own_model(settings, tiny):
    settings.TCS_ENCODER = MODEL_ENCODER
    settings.TCS_MODEL_PATH = str(tiny)
    encoders.reset()
    yield
    encoders.reset()
    shutil.rmtree(paths.models_folder(), ignore_errors=True)


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Path:
    """Where the tiny model's export is kept once made: making it takes a second, and many tests want one."""
    return tmp_path_factory.mktemp("exports") / "tiny"


@pytest.fixture
def exported(kept) -> ModelEncoder:
    encoder = ModelEncoder()
    folder = onnx_files.folder_of(encoder.fingerprint)
    if kept.exists():
        shutil.copytree(kept, folder)
    else:
        onnx_export.ensure(encoder)
        shutil.copytree(folder, kept)
    encoder.load()
    assert encoder.backend == "onnx"
    return encoder


def meta_of(encoder: ModelEncoder) -> onnx_files.Meta:
    return onnx_files.read_meta(onnx_files.folder_of(encoder.fingerprint), encoder.fingerprint)


def least_cosine(one, other, texts) -> float:
    return float((one.encode(texts) * other.encode(texts)).sum(axis=1).min())


def test_the_default_models_export_gives_its_vectors(settings):
    settings.TCS_MODEL_PATH = ""
    encoder, original = ModelEncoder(), SentenceTransformerEncoder()
    onnx_export.ensure(encoder)
    assert least_cosine(encoder, original, TEXTS) > 0.9999
    assert encoder.backend == "onnx"
    assert (encoder.name, encoder.fingerprint, encoder.dimension) == (
        original.name,
        original.fingerprint,
        original.dimension,
    )


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("normalize", [True, False])
def test_either_pooling_is_exported_and_every_vector_has_unit_length(settings, tmp_path, pooling, normalize):
    settings.TCS_MODEL_PATH = str(tiny_models.make(tmp_path / "model", pooling=pooling, normalize=normalize))
    encoder = ModelEncoder()
    onnx_export.ensure(encoder)
    assert least_cosine(encoder, SentenceTransformerEncoder(), TEXTS) > 0.9999
    np.testing.assert_allclose(np.linalg.norm(encoder.encode(TEXTS), axis=1), 1, atol=1e-5)
    assert encoder.backend == "onnx"


def test_vectors_are_float32_in_input_order(exported):
    vectors = exported.encode(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), exported.dimension) == (10, tiny_models.DIMENSION)
    alone = np.concatenate([exported.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(vectors, alone, atol=1e-5)
    assert exported.encode([]).shape == (0, tiny_models.DIMENSION)


def test_only_the_first_tokens_of_a_long_text_count(exported):
    assert meta_of(exported).longest == tiny_models.LONGEST
    first, longer = exported.encode(["bees " * 62, "bees " * 61 + "bees and something else " * 10])
    np.testing.assert_allclose(first, longer, atol=1e-5)


def test_progress_is_reported_per_batch_and_can_stop_it(exported):
    told: list[int] = []
    exported.encode(TEXTS, progress=told.append)
    assert told == [8, 2]

    def stop(count: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        exported.encode(TEXTS, progress=stop)


def test_threads_may_encode_at_once(exported):
    expected = exported.encode(TEXTS)
    found: list[np.ndarray] = []
    threads = [
        threading.Thread(target=lambda: found.extend(exported.encode(TEXTS) for _ in range(10))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80
    for vectors in found:
        np.testing.assert_array_equal(vectors, expected)


def test_without_an_export_torch_encodes_and_the_log_says_so_once(caplog):
    encoder = ModelEncoder()
    assert encoder.backend is None
    encoder.encode(["a"])
    encoder.encode(["b"])
    assert encoder.backend == "torch"
    assert caplog.text.count(TORCH) == 1
    assert "has not been exported yet" in caplog.text


def test_an_export_that_appears_later_is_used_by_whoever_loads_after(caplog):
    before, waiting = ModelEncoder(), ModelEncoder()
    before.load()
    onnx_export.ensure(ModelEncoder())
    waiting.load()
    before.load()
    assert (before.backend, waiting.backend) == ("torch", "onnx")
    assert least_cosine(before, waiting, TEXTS) > 0.9999


def test_a_process_under_torch_changes_to_the_export_once_it_is_there(monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(encoders, "LOOK_SECONDS", 0.01)
    encoders.load_in_background()
    until(lambda: encoders.backend() == "torch")
    encoder = encoders.loaded()
    model = weakref.ref(encoder._loaded)
    before = encoder.encode(TEXTS)
    onnx_export.ensure(ModelEncoder())
    until(lambda: encoders.backend() == "onnx")
    assert encoders.loaded() is encoder
    np.testing.assert_allclose(encoder.encode(TEXTS), before, atol=1e-5)
    until(lambda: model() is None)
    until(lambda: not any(thread.name == "load-encoder" for thread in threading.enumerate()))
    assert "runs under ONNX Runtime from now on" in caplog.text


def test_without_an_export_a_process_stays_under_torch(caplog):
    encoder = ModelEncoder()
    encoder.load()
    assert not encoder.switch_to_export()
    assert encoder.backend == "torch"
    assert caplog.text.count(TORCH) == 1


@pytest.mark.parametrize("name", [onnx_files.GRAPH, onnx_files.TOKENIZER])
def test_a_damaged_export_is_not_used_and_made_again(exported, caplog, name):
    file = onnx_files.folder_of(exported.fingerprint) / name
    damage.flip_bit(file)
    encoder = ModelEncoder()
    encoder.load()
    assert encoder.backend == "torch"
    assert f"{name} cannot be used (its SHA-256 is not the one in meta.json)" in caplog.text
    onnx_export.ensure(encoder)
    mended = ModelEncoder()
    mended.load()
    assert mended.backend == "onnx"


@pytest.mark.parametrize("raw", [b"{", b"[]", b'{"format": 1}', b"\xff"])
def test_a_damaged_meta_is_not_used(exported, caplog, raw):
    (onnx_files.folder_of(exported.fingerprint) / onnx_files.META).write_bytes(raw)
    encoder = ModelEncoder()
    encoder.load()
    assert encoder.backend == "torch"
    assert "meta.json cannot be used" in caplog.text


def test_a_missing_file_is_named(exported, caplog):
    (onnx_files.folder_of(exported.fingerprint) / onnx_files.GRAPH).unlink()
    encoder = ModelEncoder()
    encoder.load()
    assert encoder.backend == "torch"
    assert "model.onnx cannot be used (No such file or directory)" in caplog.text


def test_an_export_of_another_format_is_made_again(exported):
    folder = onnx_files.folder_of(exported.fingerprint)
    older = dataclasses.replace(meta_of(exported), format=onnx_files.FORMAT - 1)
    (folder / onnx_files.META).write_text(older.to_text())
    with pytest.raises(onnx_files.NoExport, match="another format"):
        onnx_files.find(exported.fingerprint)
    onnx_export.ensure(exported)
    assert onnx_files.find(exported.fingerprint).meta.format == onnx_files.FORMAT


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ({"pooling": "max"}, "its pooling is max"),
        ({"dense": True}, "it consists of Transformer, Pooling, Dense, Normalize"),
        ({"prompt": "query: "}, "it adds a prompt to texts"),
    ],
)
def test_a_model_that_is_not_plain_is_refused_with_the_reason_and_still_works(settings, tmp_path, caplog, model, why):
    settings.TCS_MODEL_PATH = str(tiny_models.make(tmp_path / "model", **model))
    encoder = ModelEncoder()
    onnx_export.ensure(encoder)
    assert f"cannot be exported: {why}" in caplog.text
    caplog.clear()
    encoder.load()
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
    assert onnx_files.find(encoder.fingerprint).meta.made_by == meta_of(encoder).made_by != "torch 1.0"


def test_an_export_that_is_there_is_not_made_again(exported, caplog):
    caplog.set_level(logging.INFO)
    onnx_export.ensure(ModelEncoder())
    assert caplog.text == ""


def test_a_full_disk_is_not_a_refusal_and_the_next_run_tries_again(monkeypatch, caplog):
    encoder = ModelEncoder()
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda folder: namedtuple("Usage", "free")(1000))
        onnx_export.ensure(encoder)
    assert "could not be exported: [Errno 28] No space left on device" in caplog.text
    assert list(paths.models_folder().iterdir()) == []
    onnx_export.ensure(encoder)
    assert onnx_files.find(encoder.fingerprint)


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
