"""The compact graph for queries: near the model's own vectors, and only where it holds."""

from __future__ import annotations

import dataclasses
import importlib
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexing.encoders import (
    ModelEncoder,
    SentenceTransformerEncoder,
    onnx_compact,
    onnx_encoder,
    onnx_export,
    onnx_files,
)
from indexing.encoders.protocol import DOCUMENT, MIN_COSINE, MIN_COSINE_COMPACT, QUERY
from tests.encoders.test_encoders import TEXTS
from tests.encoders.test_onnx_encoder import TORCH, meta_of
from tests.support import damage
from tests.support.model_kinds import KINDS, make_kind

NORMALISED = ("e5", "bge", "nomic", "instructor")
"""Kinds with layer normalisation; the others normalise by the root of the mean square."""

pytestmark = pytest.mark.usefixtures("own_model", "processor")


@pytest.fixture
def processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What describes a processor that multiplies numbers of 8 bits exactly."""
    file = tmp_path / "cpuinfo"
    file.write_text("flags : fpu avx2 avx512_vnni\n")
    monkeypatch.setattr(onnx_encoder, "PROCESSOR", file)
    onnx_encoder.multiplies_8_bits_exactly.cache_clear()
    yield file
    onnx_encoder.multiplies_8_bits_exactly.cache_clear()


@pytest.fixture
def small_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiny models get a compact graph too."""
    monkeypatch.setattr(onnx_compact, "LEAST_BYTES", 0)


@pytest.fixture
def exact() -> None:
    """Skips a test of exact figures on a processor that cannot have them."""
    onnx_encoder.multiplies_8_bits_exactly.cache_clear()
    flags = Path("/proc/cpuinfo")
    if not (flags.exists() and set(onnx_encoder.EXACT_8_BITS) & set(flags.read_text().split())):
        pytest.skip("this processor adds products of 8 bits with 16")


def least(one: np.ndarray, other: np.ndarray) -> float:
    return float((one * other).sum(axis=1).min())


def compact_file(encoder: ModelEncoder) -> Path:
    return onnx_files.folder_of(encoder.fingerprint) / onnx_files.COMPACT


@pytest.mark.usefixtures("exact")
def test_the_default_models_queries_are_near_and_do_not_depend_on_each_other(default_model):
    encoder, original = default_model, SentenceTransformerEncoder()
    file = compact_file(encoder)
    assert file.stat().st_size < 0.7 * file.with_name(onnx_files.GRAPH).stat().st_size
    assert least(encoder.encode(TEXTS, DOCUMENT), original.encode(TEXTS, DOCUMENT)) > MIN_COSINE
    together = encoder.encode(TEXTS, QUERY)
    found = least(together, original.encode(TEXTS, QUERY))
    assert MIN_COSINE_COMPACT < found < MIN_COSINE
    alone = np.concatenate([encoder.encode([text], QUERY) for text in TEXTS])
    assert least(together, alone) > 0.99999
    real = ["who can keep an old house warm", "Kubernetes", "tax adviser for a small firm in Rotterdam"]
    assert least(encoder.encode(real, QUERY), original.encode(real, QUERY)) > 0.998


def test_the_smoothed_graph_is_the_same_before_it_is_rounded(exported, tmp_path):
    onnx: Any = importlib.import_module("onnx")
    export = onnx_files.find_export(exported.fingerprint)
    whole = onnx_encoder.OnnxEncoder(export, "whole")
    graph = onnx_compact._Graph(onnx.load(export.graph))
    names = [name for name in graph.groups if graph.follows_normalisation(name)]
    assert names
    graph.smooth(onnx_compact._largest(graph.model, names, whole.feeds(TEXTS, QUERY)))
    assert not any(graph.follows_normalisation(name) and not name.endswith("/smooth") for name in graph.groups)
    folder = tmp_path / "smoothed"
    folder.mkdir()
    onnx.save(graph.model, folder / onnx_files.COMPACT)
    meta = dataclasses.replace(export.meta, files=export.meta.files | {onnx_files.COMPACT: "not checked"})
    (folder / onnx_files.TOKENIZER).write_bytes(export.tokenizer.read_bytes())
    smoothed = onnx_encoder.OnnxEncoder(onnx_files.Export(folder, meta), "smoothed")
    np.testing.assert_allclose(smoothed.encode(TEXTS, QUERY), whole.encode(TEXTS, QUERY), atol=1e-5)


@pytest.mark.usefixtures("small_too", "exact")
@pytest.mark.parametrize("name", KINDS)
def test_other_kinds_have_a_compact_graph_or_the_whole_one(settings, tmp_path, name):
    settings.TCS_MODEL_PATH = str(make_kind(tmp_path / "model", KINDS[name]))
    encoder, original = ModelEncoder(), SentenceTransformerEncoder()
    onnx_export.ensure(encoder)
    encoder.load()
    assert encoder.backend == "onnx"
    has = compact_file(encoder).exists()
    assert bool(meta_of(encoder).files[onnx_files.COMPACT]) == has
    bound = MIN_COSINE_COMPACT if has else MIN_COSINE
    assert least(encoder.encode(TEXTS, QUERY), original.encode(TEXTS, QUERY)) > bound
    assert least(encoder.encode(TEXTS, DOCUMENT), original.encode(TEXTS, DOCUMENT)) > MIN_COSINE
    if name in NORMALISED:
        assert has


def test_a_tiny_model_has_none(exported):
    assert meta_of(exported).files[onnx_files.COMPACT] == ""
    assert not compact_file(exported).exists()


@pytest.mark.usefixtures("small_too")
def test_one_whose_vectors_differ_is_left_out_and_not_tried_again(monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(onnx_export, "MIN_COSINE_COMPACT", 1.1)
    encoder = ModelEncoder()
    onnx_export.ensure(encoder)
    assert "Queries are encoded with the whole model: its vectors differ from the original's: cosine" in caplog.text
    assert not compact_file(encoder).exists()
    assert least(encoder.encode(TEXTS, QUERY), SentenceTransformerEncoder().encode(TEXTS, QUERY)) > MIN_COSINE
    caplog.clear()
    onnx_export.ensure(encoder)
    assert caplog.text == ""


@pytest.mark.usefixtures("small_too", "exact")
def test_an_older_processor_uses_the_whole_graph_and_makes_no_other(processor):
    encoder = ModelEncoder()
    onnx_export.ensure(encoder)
    assert compact_file(encoder).exists()
    documents = encoder.encode(TEXTS, DOCUMENT)  # the model has no prompts: the same but for the graph
    assert not np.array_equal(encoder.encode(TEXTS, QUERY), documents)
    processor.write_text("flags : fpu avx2 avx512f\n")
    onnx_encoder.multiplies_8_bits_exactly.cache_clear()
    np.testing.assert_array_equal(ModelEncoder().encode(TEXTS, QUERY), documents)
    compact_file(encoder).unlink()
    onnx_export.ensure(encoder)
    assert meta_of(encoder).files[onnx_files.COMPACT] == ""


@pytest.mark.usefixtures("small_too")
def test_an_export_of_an_earlier_release_is_used_and_made_again_by_the_next_run(caplog):
    encoder = ModelEncoder()
    onnx_export.ensure(encoder)
    meta = meta_of(encoder)
    earlier = dataclasses.replace(meta, files={k: v for k, v in meta.files.items() if k != onnx_files.COMPACT})
    compact_file(encoder).unlink()
    compact_file(encoder).with_name(onnx_files.META).write_text(earlier.to_text())
    before = ModelEncoder()
    before.load()
    assert before.backend == "onnx"
    assert TORCH not in caplog.text
    onnx_export.ensure(encoder)
    assert meta_of(encoder).files.keys() == meta.files.keys()
    assert compact_file(encoder).exists()


@pytest.mark.usefixtures("small_too")
def test_queries_go_on_while_the_graph_for_documents_is_loaded(monkeypatch):
    encoder = ModelEncoder()
    onnx_export.ensure(encoder)
    encoder.load()
    load, begun, go_on = onnx_encoder.onnxruntime.InferenceSession, threading.Event(), threading.Event()

    def slow(*args: Any, **options: Any) -> Any:
        begun.set()
        assert go_on.wait(60)
        return load(*args, **options)

    monkeypatch.setattr(onnx_encoder.onnxruntime, "InferenceSession", slow)
    with ThreadPoolExecutor(2) as pool:
        document = pool.submit(encoder.encode, ["a"], DOCUMENT)
        try:
            assert begun.wait(60)
            assert len(pool.submit(encoder.encode, ["a"], QUERY).result(60)) == 1
            assert not document.done()
        finally:
            go_on.set()
        assert len(document.result()) == 1


@pytest.mark.usefixtures("small_too")
def test_a_damaged_one_is_made_again(caplog):
    encoder = ModelEncoder()
    onnx_export.ensure(encoder)
    damage.flip_bit(compact_file(encoder))
    assert ModelEncoder().encode(["a"], QUERY).shape == (1, encoder.dimension)
    assert f"{onnx_files.COMPACT} cannot be used (its SHA-256 is not the one in meta.json)" in caplog.text
    onnx_export.ensure(encoder)
    assert onnx_files.find_export(encoder.fingerprint).compact
