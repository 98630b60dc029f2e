"""Choosing the device that encodes many documents. No accelerator is needed: the tests fake one."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from indexing.building.pipeline import build
from indexing.encoders import ModelEncoder, SentenceTransformerEncoder, devices, torch_encoder
from indexing.encoders.model_encoder import COMPARED, MANY
from indexing.errors import EncoderUnavailable
from tests.support import cast
from tests.support.index_cast import FULL, RecordingReporter

TEXTS = [f"Keeps bees in {number} hives and sells honey" for number in range(MANY)]


@pytest.fixture
def accelerators(monkeypatch, tmp_path):
    """A function that makes torch find these devices, and the machine look as if it had them."""

    def have(*names: str, sign: bool = True) -> None:
        monkeypatch.setattr(devices, "SIGNS", (tmp_path if sign else tmp_path / "none",))
        # by name: to import torch takes every process that only collects this file two seconds
        monkeypatch.setattr("torch.cuda.is_available", lambda: "cuda" in names)
        monkeypatch.setattr("torch.backends.mps.is_available", lambda: "mps" in names)

    return have


@pytest.mark.parametrize(
    ("asked", "there", "expected"),
    [
        ("auto", [], "cpu"),
        ("auto", ["cuda"], "cuda"),
        ("auto", ["mps"], "mps"),
        ("auto", ["cuda", "mps"], "cuda"),
        ("cpu", ["cuda", "mps"], "cpu"),
        ("cuda", ["cuda", "mps"], "cuda"),
        ("mps", ["cuda", "mps"], "mps"),
    ],
)
def test_the_device_is_the_requested_one_or_the_first_there(settings, accelerators, asked, there, expected):
    settings.TCS_DEVICE = asked
    accelerators(*there)
    assert devices.chosen() == expected


@pytest.mark.parametrize("asked", ["auto", "cpu"])
def test_without_a_sign_of_an_accelerator_torch_is_not_asked(settings, accelerators, monkeypatch, asked):
    settings.TCS_DEVICE = asked
    accelerators("cuda", sign=asked == "cpu")
    monkeypatch.setattr(devices, "importlib", None)
    assert devices.chosen() == "cpu"


@pytest.mark.parametrize("asked", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused_with_what_to_set(settings, accelerators, asked):
    settings.TCS_DEVICE = asked
    accelerators(*{"cuda", "mps"} - {asked})
    with pytest.raises(EncoderUnavailable, match=rf"TCS_DEVICE={asked} .* torch \d.* Set TCS_DEVICE=auto or"):
        devices.chosen()


@pytest.mark.parametrize("error", [ImportError, OSError])
def test_without_torch_auto_means_the_processor_and_others_are_refused(settings, accelerators, monkeypatch, error):
    accelerators("cuda")

    def fail(name: str) -> None:
        raise error("no torch here")

    monkeypatch.setattr(importlib, "import_module", fail)
    settings.TCS_DEVICE = "auto"
    assert devices.chosen() == "cpu"
    settings.TCS_DEVICE = "cuda"
    with pytest.raises(EncoderUnavailable, match="no torch here"):
        devices.chosen()


@pytest.mark.django_db
@pytest.mark.usefixtures("own_model")
def test_a_run_on_a_device_that_is_not_there_fails_and_a_query_is_answered(settings, exported):
    settings.TCS_DEVICE = "cuda"
    cast.experts(MANY)
    with pytest.raises(EncoderUnavailable, match="TCS_DEVICE=cuda asks for"):
        build(FULL, RecordingReporter())
    assert exported.encode(["bees"], "query").shape == (1, exported.dimension)
    assert exported.encode(TEXTS[:-1]).shape[0] == MANY - 1


class Recording(SentenceTransformerEncoder):
    """Records how many texts torch encodes, and on which device."""

    asked: list[tuple[str, int]]
    spoilt = False
    error: Exception | None = None

    def encode(self, texts, role="document", *, progress=None):
        type(self).asked.append((self._device, len(texts)))
        if self.error:
            raise self.error
        vectors = super().encode(texts, role, progress=progress)
        return np.roll(vectors, 1, axis=0) if self.spoilt else vectors


@pytest.fixture
def card(monkeypatch, exported: ModelEncoder) -> type[Recording]:
    """The processor under another name passes for an accelerator: torch knows it as "cpu:0"."""
    kind = type("Card", (Recording,), {"asked": []})
    monkeypatch.setattr(devices, "chosen", lambda: "cpu:0")
    monkeypatch.setattr("indexing.encoders.model_encoder.SentenceTransformerEncoder", kind)
    return kind


def test_many_documents_are_encoded_there_with_the_same_vectors(exported, card, monkeypatch):
    expected = np.concatenate([exported.encode([text]) for text in TEXTS])
    assert card.asked == []
    monkeypatch.setattr(torch_encoder, "ACCELERATED_BATCH", 32)
    monkeypatch.setattr(devices, "CPU", "another")  # what torch calls the device in the end is "cpu" here
    reported: list[int] = []
    np.testing.assert_allclose(exported.encode(TEXTS, progress=reported.append), expected, atol=1e-5)
    assert card.asked == [("cpu:0", COMPARED), ("cpu:0", MANY)]
    assert reported == [32, 32]
    exported.encode(TEXTS, "query")
    assert len(card.asked) == 2
    exported.encode(TEXTS)
    assert card.asked[2:] == [("cpu:0", MANY)]


def test_a_device_that_gives_other_vectors_is_passed_over(exported, card, caplog):
    card.spoilt = True
    np.testing.assert_allclose(exported.encode(TEXTS)[5], exported.encode([TEXTS[5]])[0], atol=1e-5)
    assert "The device cpu:0 is not used: On the device cpu:0 the model" in caplog.text
    exported.encode(TEXTS)
    assert len(card.asked) == 1


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: no kernel image is available"),
        NotImplementedError("The operator is not currently implemented for the MPS device"),
    ],
)
def test_a_device_that_cannot_run_the_model_is_passed_over(settings, exported, card, caplog, error):
    card.error = error
    np.testing.assert_allclose(exported.encode(TEXTS)[5], exported.encode([TEXTS[5]])[0], atol=1e-5)
    assert f"The device cpu:0 is not used: {error}" in caplog.text
    exported._has_looked, settings.TCS_DEVICE = False, "cuda"
    with pytest.raises(type(error)):
        exported.encode(TEXTS)


def test_a_requested_device_that_gives_other_vectors_fails(settings, exported, card):
    settings.TCS_DEVICE = "cuda"
    card.spoilt = True
    with pytest.raises(EncoderUnavailable, match=r"gives other vectors .* set TCS_DEVICE=cpu"):
        exported.encode(TEXTS)


def test_too_little_memory_there_is_said(monkeypatch, own_model):
    encoder = SentenceTransformerEncoder(device="cpu")

    def fail(*args: object, **options: object) -> None:
        raise importlib.import_module("torch").OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(encoder.loaded(), "encode_document", fail)
    with pytest.raises(EncoderUnavailable, match=r"CUDA out of memory.* Is there enough memory"):
        encoder.encode(["bees"])
