"""The model under ONNX Runtime: the same vectors without torch, and what happens without an export."""

from __future__ import annotations

import dataclasses
import itertools
import logging
import threading
import weakref

import numpy as np
import pytest

from indexing import encoders
from indexing.encoders import ModelEncoder, batching, onnx_export, onnx_files
from indexing.encoders.batching import TOKENS, token_batches
from indexing.encoders.onnx_encoder import OnnxEncoder
from indexing.encoders.protocol import ROLES
from indexing.errors import Cancelled
from tests.encoders.test_encoders import TEXTS
from tests.support import damage, tiny_models
from tests.support.waiting import until

MODEL_ENCODER = "indexing.encoders.ModelEncoder"
TORCH = "runs under sentence-transformers"

pytestmark = pytest.mark.usefixtures("own_model")


def meta_of(encoder: ModelEncoder) -> onnx_files.Meta:
    return onnx_files.read_meta(onnx_files.folder_of(encoder.fingerprint), encoder.fingerprint)


def least_cosine(one, other, texts) -> float:
    return float((one.encode(texts) * other.encode(texts)).sum(axis=1).min())


def test_vectors_are_float32_in_input_order(exported):
    vectors = exported.encode(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), exported.dimension) == (10, tiny_models.DIMENSION)
    alone = np.concatenate([exported.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(vectors, alone, atol=1e-5)
    assert exported.encode([]).shape == (0, tiny_models.DIMENSION)


def test_only_the_first_tokens_of_a_long_text_count(exported):
    assert meta_of(exported).longest == dict.fromkeys(ROLES, tiny_models.LONGEST)
    first, longer = exported.encode(["bees " * 62, "bees " * 61 + "bees and something else " * 10])
    np.testing.assert_allclose(first, longer, atol=1e-5)


def test_progress_is_reported_per_batch_and_can_stop_it(exported):
    reported: list[int] = []
    exported.encode(TEXTS, progress=reported.append)
    assert reported == [8, 2]

    def stop(count: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        exported.encode(TEXTS, progress=stop)


def test_batches_hold_few_tokens_and_every_text_once():
    lengths = [3, 300, 7, 3, 600, 7, 7, *[64] * 20]
    found = list(token_batches(lengths))
    assert sorted(itertools.chain.from_iterable(found)) == list(range(len(lengths)))
    assert [max(lengths[row] for row in batch) for batch in found] == [600, 300, 64, 64, 64, 3]
    for batch in found:
        width = max(lengths[row] for row in batch)
        assert len(batch) == 1 or len(batch) * width <= TOKENS
    assert list(token_batches([])) == []


def test_more_texts_than_a_window_keep_their_order(exported, monkeypatch):
    monkeypatch.setattr(batching, "WINDOW", 3)
    np.testing.assert_allclose(
        exported.encode(TEXTS), np.concatenate([exported.encode([text]) for text in TEXTS]), atol=1e-5
    )


@pytest.mark.parametrize("threads", ["1", "3"])
def test_batches_side_by_side_keep_their_order_and_end_when_stopped(exported, monkeypatch, threads):
    expected = exported.encode(TEXTS)
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    monkeypatch.setattr(batching, "TOKENS", 1)  # every text is a batch
    used: set[int] = set()
    forward = OnnxEncoder._forward

    def forward_somewhere(encoder: OnnxEncoder, *arguments: object) -> np.ndarray:
        used.add(threading.get_ident())
        return forward(encoder, *arguments)

    monkeypatch.setattr(OnnxEncoder, "_forward", forward_somewhere)
    counts: list[int] = []
    np.testing.assert_allclose(exported.encode(TEXTS, progress=counts.append), expected, atol=1e-5)
    assert counts == [1] * len(TEXTS)
    assert (threading.get_ident() in used) == (threads == "1")

    def stop(count: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        exported.encode(TEXTS, progress=stop)
    assert not [each for each in threading.enumerate() if each.name.startswith("encode")]


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
    until(lambda: not any(thread.name == "model" for thread in threading.enumerate()))
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
    repaired = ModelEncoder()
    repaired.load()
    assert repaired.backend == "onnx"


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
        onnx_files.find_export(exported.fingerprint)
    onnx_export.ensure(exported)
    assert onnx_files.find_export(exported.fingerprint).meta.format == onnx_files.FORMAT
